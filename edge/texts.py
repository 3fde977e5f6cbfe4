"""What guests read: a title and a sentence for every code, in Turkish and in English.

Codes are the contract, these words are not: they may get better at any time. Braces hold the
code's own members as they stand in the answer, and `seconds`, how long to wait. Must never hold a
decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["tr", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("tr", "en")


@dataclass(frozen=True, slots=True)
class Text:
    """One code in one language."""

    title: str
    """A few words, the same at every occurrence."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Texts:
    """One code in all languages."""

    tr: Text
    en: Text


def _said(tr_title: str, tr: str, en_title: str, en: str) -> Texts:
    return Texts(Text(tr_title, tr), Text(en_title, en))


def _rule(tr: str, en: str) -> Texts:
    return _said("Bir kurala uymuyor", tr, "A rule is broken", en)


CODES: Final[Mapping[str, Texts]] = {
    "RULE": _rule("Bilgiler kurallara uymuyor.", "The details break a rule."),
    "RULE_PRICE_POSITIVE": _rule(
        "Fiyatlar ve tutarlar sıfırdan büyük olmalı.", "Prices and amounts must be above zero."
    ),
    "RULE_PRICE_PRECISION": _rule(
        "Tutarlarda en fazla iki ondalık basamak olabilir.",
        "Amounts have at most two decimal places.",
    ),
    "RULE_PRICE_MAX": _rule(
        "Bir tutar en fazla 99.999.999,99 olabilir.", "An amount is at most 99,999,999.99."
    ),
    "RULE_FLOOR_BELOW_START": _rule(
        "Taban fiyat, başlangıç fiyatından düşük olmalı.",
        "The floor price must be below the start price.",
    ),
    "RULE_DROP_RANGE": _rule(
        "Tek bir düşüş, başlangıç ile taban fiyat arasındaki farkı aşamaz.",
        "One drop must not exceed the difference between start and floor price.",
    ),
    "RULE_WINDOW_ORDER": _rule(
        "Satış, bitişinden önce başlamalı.", "The sale must start before it ends."
    ),
    "RULE_END_IN_FUTURE": _rule(
        "Satışın bitişi ileri bir zamanda olmalı.", "The sale must end in the future."
    ),
    "RULE_INTERVAL_RANGE": _rule(
        "Düşüş aralığı sıfırdan uzun olmalı ve satış süresini aşmamalı.",
        "The drop interval must be above zero and within the sale's duration.",
    ),
    "RULE_CLASS_AFTER_END": _rule(
        "Ders, satış bitmeden başlayamaz.", "The class must not begin before the sale has ended."
    ),
    "RULE_TURBO_DROP_RANGE": _rule(
        "Turbo düşüşü sıfırdan büyük olmalı; başlangıç ile taban fiyat arasındaki farkı aşamaz.",
        "A turbo drop must be above zero and within the difference of start and floor price.",
    ),
    "RULE_TURBO_INTERVAL": _rule(
        "Turbo aralığı, normal düşüş aralığından kısa olmalı.",
        "The turbo interval must be shorter than the normal drop interval.",
    ),
    "RULE_TURBO_TRIGGER": _rule(
        "Turbo, satış süresi içinde başlamalı.", "Turbo must begin within the sale's duration."
    ),
    "RULE_WRONG_PASSWORD": _rule(
        "Şu anki şifreni yanlış girdin.", "The current password is not right."
    ),
    "AUTH_REQUIRED": _said(
        "Giriş gerekli", "Devam etmek için giriş yap.", "Sign-in needed", "Sign in to go on."
    ),
    "AUTH_INVALID": _said(
        "Giriş doğrulanamadı",
        "Giriş bilgilerin doğrulanamadı; kontrol edip yeniden dene.",
        "Sign-in not valid",
        "The credentials are not valid; check them and try again.",
    ),
    "AUTH_EXPIRED": _said(
        "Oturumun süresi doldu",
        "Oturumunun süresi doldu; yeniden giriş yap.",
        "Sign-in expired",
        "Your sign-in has expired; sign in again.",
    ),
    "AUTH_SUBJECT": _said(
        "Bağlantı başka birine ait",
        "Bu bağlantı başka bir kullanıcıya ait; yenisini aç.",
        "Another user's connection",
        "This connection belongs to another user; open a new one.",
    ),
    "FORBIDDEN": _said(
        "Yetkin yok",
        "Bunun için yetkin yok.",
        "Not allowed",
        "You are not allowed to do this.",
    ),
    "EMAIL_UNVERIFIED": _said(
        "E-posta doğrulanmadı",
        "Önce e-posta adresini doğrula; bağlantıyı sana e-postayla gönderdik.",
        "E-mail not verified",
        "Verify your e-mail address first; the link is in the mail we sent you.",
    ),
    "NOT_ELIGIBLE": _said(
        "Bu ders sana açık değil",
        "Bu ders, katılım koşulları nedeniyle sana açık değil.",
        "Not open to you",
        "This class is not open to you.",
    ),
    "NOT_FOUND": _said(
        "Bulunamadı", "Aradığın şey burada yok.", "Not found", "There is no such thing here."
    ),
    "METHOD_NOT_ALLOWED": _said(
        "Yöntem desteklenmiyor",
        "Bu adres bu yöntemi desteklemiyor.",
        "Method not allowed",
        "This address does not support this method.",
    ),
    "NOT_STARTED": _said(
        "Satış başlamadı",
        "Satış henüz başlamadı; az sonra yeniden dene.",
        "Not started",
        "The sale has not started yet.",
    ),
    "NOT_ACTIVE": _said(
        "Satış açık değil",
        "Bu işlem yalnızca satış sürerken yapılabilir.",
        "Not active",
        "This can only be done while the sale is on.",
    ),
    "SOLD": _said(
        "Son yer satıldı",
        "Son yeri senden {late_by_ms} ms önce bir başkası kaptı.",
        "Sold out",
        "Somebody else took the last seat {late_by_ms} ms before you.",
    ),
    "EXPIRED": _said("Satış bitti", "Bu satış sona erdi.", "Sale over", "This sale has ended."),
    "CANCELLED": _said(
        "Ders iptal edildi",
        "Bu ders iptal edildi.",
        "Class cancelled",
        "This class was cancelled.",
    ),
    "ALREADY_YOURS": _said(
        "Yerin zaten hazır",
        "Bu derste zaten bir yerin var.",
        "Already yours",
        "You already hold a seat in this class.",
    ),
    "REBOOK_REFUSED": _said(
        "Yeniden alınamaz",
        "Yerini geri verdiğin bir dersi yeniden kapamazsın.",
        "Not bookable again",
        "You gave a seat in this class back, so you cannot book it again.",
    ),
    "OVERLAPPING": _said(
        "Dersler çakışıyor",
        "Aynı saatlerde başka bir dersin var.",
        "Classes overlap",
        "You hold a seat in another class at about the same time.",
    ),
    "LIMIT_REACHED": _said(
        "Sınıra ulaştın",
        "İzin verilen sayıya ulaştın.",
        "Limit reached",
        "You have reached the number that is allowed.",
    ),
    "TOO_LATE": _said("Artık çok geç", "Bunun için süre doldu.", "Too late", "The time is up."),
    "TRANSITION": _said(
        "Şu an yapılamaz",
        "Şu anki durum bu değişikliğe izin vermiyor.",
        "Not possible now",
        "The present state does not allow this change.",
    ),
    "PRICE_ABOVE_MAX": _said(
        "Fiyat sınırının üstünde",
        "Fiyat şu an {current_price} {currency}: kabul ettiğin tutarın üstünde.",
        "Price above your limit",
        "The price is {current_price} {currency} now, above the highest you accept.",
    ),
    "STALE": _said(
        "Bu arada değişti",
        "Sen baktıktan sonra değişti; yenileyip tekrar dene.",
        "Changed meanwhile",
        "It has changed since you read it; read it again.",
    ),
    "REQUEST_TIMEOUT": _said(
        "İstek yarım kaldı",
        "İsteğin zamanında ulaşmadı; yeniden dene.",
        "Request timed out",
        "The request did not arrive in time; try again.",
    ),
    "PAYLOAD_TOO_LARGE": _said(
        "İstek çok büyük",
        "Gönderdiğin içerik çok büyük.",
        "Request too large",
        "What you sent is too large.",
    ),
    "UNSUPPORTED_MEDIA_TYPE": _said(
        "İçerik türü desteklenmiyor",
        "İçeriğin türü ya da kodlaması desteklenmiyor; sıkıştırılmamış JSON gönder.",
        "Media type not supported",
        "The type or encoding of the content is not supported; send plain JSON.",
    ),
    "VALIDATION": _said(
        "İstek hatalı",
        "İstek beklenen biçimde değil.",
        "Request not valid",
        "The request is not of the form.",
    ),
    "KEY_REUSED": _said(
        "Anahtar kullanılmış",
        "Bu Idempotency-Key daha önce başka bir istekte kullanıldı.",
        "Key used before",
        "This Idempotency-Key was used for another request.",
    ),
    "RATE_LIMITED": _said(
        "Çok sık denedin",
        "Çok sık denedin; {seconds} saniye sonra yeniden dene.",
        "Too many requests",
        "Too many requests; try again in {seconds} s.",
    ),
    "INTERNAL": _said(
        "Beklenmeyen hata",
        "Bizim tarafta bir şeyler ters gitti; birazdan yeniden dene.",
        "Internal error",
        "Something broke on our side; try again soon.",
    ),
    "BUSY": _said(
        "Şu an çok yoğunuz",
        "Şu an çok yoğunuz ve işlemin yapılmadı; {seconds} saniye sonra yeniden dene.",
        "Too busy",
        "Too busy now, nothing was done; try again in {seconds} s.",
    ),
    "NO_OWNER": _said(
        "Kısa bir kesinti",
        "Bu satış şu an yanıt veremiyor; {seconds} saniye sonra yeniden dene.",
        "No answer now",
        "Nobody answers for this sale at this moment; try again in {seconds} s.",
    ),
    "DRAINING": _said(
        "Sunucu yenileniyor",
        "Bu sunucu kapanıyor; {seconds} saniye sonra yeniden dene.",
        "Shutting down",
        "This server is shutting down; try again in {seconds} s.",
    ),
    "UNKNOWN_OUTCOME": _said(
        "Sonuç henüz belli değil",
        "Sonuç henüz belli değil; aynı anahtarla {seconds} saniye sonra yeniden dene.",
        "Outcome not known yet",
        "It is not known yet whether this was done; ask again with the same key in {seconds} s.",
    ),
}

FIELDS: Final[Mapping[str, Mapping[Language, str]]] = {
    "REQUIRED": {"tr": "Bu alan gerekli.", "en": "This field is required."},
    "UNKNOWN": {"tr": "Böyle bir alan yok.", "en": "There is no such field."},
    "TYPE": {"tr": "Değerin türü yanlış.", "en": "The value is of the wrong type."},
    "RANGE": {"tr": "Değer izin verilen aralıkta değil.", "en": "The value is out of range."},
    "LENGTH": {"tr": "Uzunluk izin verilen aralıkta değil.", "en": "The length is out of range."},
    "CHOICE": {
        "tr": "Değer, seçeneklerden biri değil.",
        "en": "The value is none of the choices.",
    },
    "FORMAT": {"tr": "Değerin biçimi yanlış.", "en": "The value is not of the form."},
    "MALFORMED": {"tr": "Geçerli bir JSON değil.", "en": "This is not valid JSON."},
    "DUPLICATE": {"tr": "Bu alan birden çok kez geçiyor.", "en": "This field is given twice."},
    "DEPTH": {"tr": "İç içe geçme çok derin.", "en": "It is nested too deeply."},
}
"""What can be wrong with one field of a request that is not of the form."""


def text_of(code: str, language: Language) -> Text:
    """The text of a code; of a rule that is not in the table, the family's."""
    texts = CODES.get(code) or CODES["RULE"]
    return texts.tr if language == "tr" else texts.en


def field_message(code: str, language: Language) -> str:
    """What is wrong with one field, in a sentence; empty for a code without one."""
    if code in FIELDS:
        return FIELDS[code][language]
    return text_of(code, language).sentence if code in CODES else ""
