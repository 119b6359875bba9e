"""Settings: which source wins, what is refused and how it is said, and that all of them are documented."""

from pathlib import Path

import pytest

from zorky_server.settings import BadSettings, Settings, as_toml, load_settings, unknown_variables

ROOT = Path(__file__).parents[2]


def test_flags_go_before_environment_before_file_before_defaults(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("port = 1\nworkers = 2\ngrace = 3.5\n")
    settings = load_settings({"port": "10", "workers": None}, file, {"ZORKY_PORT": "5", "ZORKY_WORKERS": "6"})
    assert (settings.port, settings.workers, settings.grace, settings.host) == (10, 6, 3.5, "127.0.0.1")


@pytest.mark.parametrize(
    ("file", "environment", "flags", "problem"),
    [
        ("port = 'x'", {}, {}, "port in {file} is 'x': input should be a valid integer"),
        ("", {"ZORKY_PORT": "70000"}, {}, "ZORKY_PORT is '70000': input should be less than or equal to 65535"),
        ("", {}, {"max_pending": "0"}, "--max-pending is '0': input should be greater than or equal to 1"),
        ("prot = 1", {}, {}, "prot in {file}: there is no such setting, did you mean port?"),
        ("[tls]\ncert = 'x'", {}, {}, "tls in {file}: there is no such setting"),
        ("", {"ZORKY_LOG_FORMAT": "xml"}, {}, "ZORKY_LOG_FORMAT is 'xml': input should be 'auto', 'console' or 'json'"),
        ("", {"ZORKY_GRACE": "nan"}, {}, "ZORKY_GRACE is 'nan': input should be a finite number"),
        ("", {}, {"host": ""}, "--host is ''"),
        ("tls_cert = 'c.pem'", {}, {}, "tls_cert and tls_key go together: set both or neither"),
        ("port = = 1", {}, {}, "the settings file {file} is not TOML"),
    ],
)
def test_each_mistake_is_one_sentence_that_names_its_place(tmp_path, file, environment, flags, problem):
    path = tmp_path / "settings.toml"
    path.write_text(file)
    with pytest.raises(BadSettings) as caught:
        load_settings(flags, path, environment)
    (sentence,) = caught.value.problems
    assert sentence.startswith(problem.format(file=path))


def test_all_mistakes_are_told_at_once():
    with pytest.raises(BadSettings) as caught:
        load_settings({"port": "x", "workers": "0"}, None, {"ZORKY_GRACE": "-1"})
    assert len(caught.value.problems) == 3


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(BadSettings, match=r"cannot read the settings file .*: No such file or directory"):
        load_settings({}, tmp_path / "none.toml", {})


def test_what_is_printed_can_be_read_again(tmp_path):
    settings = load_settings({"port": "0", "data_dir": '/tmp/quote"d \\ ю'}, None, {})
    file = tmp_path / "settings.toml"
    file.write_text(as_toml(settings))
    assert load_settings({}, file, {}) == settings


def test_variables_that_look_like_settings_are_found():
    environment = {"ZORKY_PROT": "1", "ZORKY_PORT": "1", "ZORKY_SETTINGS": "x", "HOME": "/"}
    assert unknown_variables(environment) == ["ZORKY_PROT"]


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented_where_it_stands_and_in_the_docs(name):
    assert Settings.model_fields[name].description
    assert f"| `{name}` |" in (ROOT / "docs" / "operations.md").read_text()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://zorky:gooseberry@host:5433/zorky", "postgresql://zorky:***@host:5433/zorky"),
        ("postgresql://zorky:goose@berry/gooseberry@host/zorky", "postgresql://zorky:***@host/zorky"),
        ("postgresql://host/db?user=zorky&password=gooseberry", "postgresql://host/db?user=zorky&password=***"),
        (
            "postgresql://host:5433/db?password=goose@berry&user=zorky&sslpassword=gooseberry",
            "postgresql://host:5433/db?password=***&user=zorky&sslpassword=***",
        ),
        ("postgresql://zorky@host/zorky?sslmode=require", "postgresql://zorky@host/zorky?sslmode=require"),
        ("postgresql:///zorky?host=/run/postgresql", "postgresql:///zorky?host=/run/postgresql"),
    ],
)
def test_a_password_is_not_printed(url, shown):
    settings = load_settings({"database": url}, None, {})
    assert settings.database == url
    assert f'database = "{shown}"' in as_toml(settings)


def test_the_password_of_a_bucket_is_not_printed():
    settings = load_settings({"pictures": "s3://AK:se/cr+et@bucket", "registry": "/models"}, None, {})
    assert 'pictures = "s3://AK:***@bucket"' in as_toml(settings)
    assert 'registry = "/models"' in as_toml(settings)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://zorky:gooseberry@host/zorky",
        "zorky:gooseberry@host/zorky",
        "mysql://host/zorky?password=gooseberry",
    ],
)
def test_a_password_is_not_told_when_its_setting_is_refused(url):
    with pytest.raises(BadSettings) as refused:
        load_settings({"database": url}, None, {})
    assert "--database" in str(refused.value)
    assert "gooseberry" not in str(refused.value)
