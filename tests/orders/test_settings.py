from __future__ import annotations

import pytest

from services.hosting.settings import SettingsWrong, read_settings
from services.orders.__main__ import OrdersSettings


def test_settings_name_every_address_that_is_missing() -> None:
    with pytest.raises(SettingsWrong) as caught:
        read_settings(OrdersSettings, {"ORDER_LEASE_SECONDS": "soon"})
    assert len(caught.value.problems) == 4
