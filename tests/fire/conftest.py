import pytest

from harness import Api, Service


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
