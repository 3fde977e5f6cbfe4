"""Who is in the demo: studios with their staff, guests, and what all of them log in with.

Everybody is invented. The addresses are under example.com, which nobody can own.
"""

from dataclasses import dataclass
from typing import Final

PASSWORD: Final = "hothour-demo"
"""Of every account here; that is why the demo refuses to run in production."""
DOMAIN: Final = "example.com"
ZONE: Final = "Europe/Istanbul"


@dataclass(frozen=True, slots=True)
class Login:
    """One account. `gender` None: not said."""

    email: str
    name: str
    role: str
    gender: str | None = None

    @property
    def short(self) -> str:
        """The first name and an initial: all that the board shows of anybody."""
        first, _, last = self.name.partition(" ")
        return f"{first} {last[:1]}."


@dataclass(frozen=True, slots=True)
class House:
    """A studio and its staff. `key` names it in addresses."""

    key: str
    name: str
    address: str
    admin: Login
    desk: Login


def _house(key: str, name: str, address: str, admin: str, desk: str) -> House:
    return House(
        key,
        name,
        address,
        Login(f"admin.{key}@{DOMAIN}", admin, "studio_admin"),
        Login(f"desk.{key}@{DOMAIN}", desk, "desk"),
    )


def _guest(address: str, name: str, gender: str) -> Login:
    return Login(f"{address}@{DOMAIN}", name, "customer", gender)


PLATFORM: Final = Login(f"platform@{DOMAIN}", "Deniz Aksoy", "platform_admin")

HOUSES: Final = (
    _house(
        "moda",
        "Mor Menekşe Yoga",
        "Menekşe Sokak 12, Moda, Kadıköy, İstanbul",
        "Aslı Yalçın",
        "Pelin Toprak",
    ),
    _house(
        "besiktas",
        "Kavis Reformer",
        "Ihlamur Yokuşu 5, Beşiktaş, İstanbul",
        "Hakan Sezer",
        "Gizem Ateş",
    ),
    _house(
        "alsancak",
        "İmbat Dans Evi",
        "Gül Sokak 31, Alsancak, İzmir",
        "Cemre Altın",
        "Onur Bilgin",
    ),
    _house(
        "kavaklidere",
        "Ak Mermer Hamam",
        "Tunalı Yokuşu 8, Kavaklıdere, Ankara",
        "Nurcan Eren",
        "Sibel Koç",
    ),
)

GUESTS: Final = (
    _guest("elif", "Elif Aydın", "FEMALE"),
    _guest("mert", "Mert Doğan", "MALE"),
    _guest("zeynep", "Zeynep Korkmaz", "FEMALE"),
    _guest("can", "Can Arslan", "MALE"),
    _guest("defne", "Defne Yıldız", "FEMALE"),
    _guest("emre", "Emre Kılıç", "MALE"),
    _guest("ayse", "Ayşe Kaplan", "FEMALE"),
    _guest("burak", "Burak Çetin", "MALE"),
    _guest("selin", "Selin Acar", "FEMALE"),
    _guest("kerem", "Kerem Uysal", "MALE"),
    _guest("busra", "Büşra Öztürk", "FEMALE"),
    _guest("ozan", "Ozan Güneş", "MALE"),
    _guest("ipek", "İpek Şahin", "FEMALE"),
    _guest("tolga", "Tolga Bulut", "MALE"),
    _guest("nazli", "Nazlı Erdem", "FEMALE"),
    _guest("gulce", "Gülce Tunç", "FEMALE"),
)
