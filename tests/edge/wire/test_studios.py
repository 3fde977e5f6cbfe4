"""Bodies about studios: what was said, under the engine's names."""

import pytest
from pydantic import ValidationError

from edge.wire.studios import StudioChanges


def test_only_what_was_said_changes() -> None:
    assert StudioChanges.model_validate({}).changes() == {}
    said = StudioChanges.model_validate({"name": "Nefes", "cancel_cutoff_secs": 0})
    assert said.changes() == {"name": "Nefes", "cancel_cutoff_s": 0}


def test_null_clears_what_may_be_absent_and_leaves_the_rest() -> None:
    nothing = dict.fromkeys(StudioChanges.model_fields)
    said = StudioChanges.model_validate(nothing).changes()
    assert said == {"google_maps_url": None, "max_open_reservations": None}


@pytest.mark.parametrize("body", [{"id": 1}, {"cancel_cutoff_secs": "60"}, {"name": 7}])
def test_other_forms_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        StudioChanges.model_validate(body)
