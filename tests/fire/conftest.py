import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "support"))

from harness import Api, Service  # noqa: E402
from shared_shop import SharedShop  # noqa: E402


@pytest.fixture
def api():
    server = Api()
    yield server
    server.down()


@pytest.fixture
def shop(tmp_path, api):
    """Makes services over one data folder; whatever still runs at the end is killed."""
    made = []

    def make(**settings):
        service = Service(tmp_path, api, **settings)
        made.append(service)
        return service

    yield make
    for service in made:
        if service.process is not None and not service.is_dead():
            service.kill()


@pytest.fixture
def shared_shop(tmp_path, api):
    shop = SharedShop(tmp_path, api)
    yield shop
    shop.end()
