"""Package settings of the host as they go into builds."""

from faultline.host.access import parse_pip_config


def test_pip_settings_of_the_environment_win_over_files() -> None:
    listing = "global.index-url='https://a.example/simple'\n:env:.index-url='https://b.example/simple'\n"
    assert parse_pip_config(listing) == {"index-url": "https://b.example/simple"}


def test_pip_settings_that_name_local_paths_stay_on_the_host() -> None:
    assert parse_pip_config("global.cert='/etc/x.crt'\n:env:.find-links='/opt/wheels'\n") == {}


def test_several_values_keep_their_lines() -> None:
    listing = "global.extra-index-url='https://a.example\\nhttps://b.example'\n"
    assert parse_pip_config(listing) == {"extra-index-url": "https://a.example\nhttps://b.example"}
