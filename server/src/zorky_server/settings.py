"""Settings: flags before environment before file before defaults. Whatever is wrong is told in one sentence each."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from platformdirs import user_data_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

import zorky_models

from .logs import LogFormat, LogLevel
from .passwords import without_passwords
from .runtime.providers import Provider

ENVIRONMENT = "ZORKY_"
"""Begins the names of environment variables: ZORKY_PORT sets `port`."""
FILE_VARIABLE = "ZORKY_SETTINGS"
"""Names the settings file."""

UserPath = Annotated[Path, AfterValidator(Path.expanduser)]


class Settings(BaseModel):
    """All that can be set. Each field is documented where it stands; help and docs are made from that."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on. The default is reached from this machine alone; 0.0.0.0 means every address."""
    port: int = Field(50051, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""
    tls_cert: UserPath | None = None
    """PEM file with the certificate chain. With tls_key, turns TLS on."""
    tls_key: UserPath | None = None
    """PEM file with the certificate's private key."""
    admin_token_file: UserPath | None = None
    """File with the token that AdminService asks for; without it nobody may call AdminService."""
    data_dir: UserPath = Field(default_factory=lambda: user_data_path("zorky"))
    """Folder of the database, kept pictures and the server's secret; made on first use."""
    database: str | None = Field(None, pattern=r"^postgres(ql)?://")
    """postgresql://USER@HOST/NAME, for servers on several machines. The default is a file of SQLite's in data_dir."""
    pictures: str | None = Field(None, min_length=1)
    """Folder or URL (s3://BUCKET/PREFIX) of kept pictures. The default is data_dir/pictures."""
    secret_file: UserPath | None = None
    """File of the secret that hashes user keys, one for all servers of a database. The default is data_dir/secret."""
    models_dir: UserPath = zorky_models.ROOT
    """Folder with one folder of weights a task. The default is the installed zorky-models."""
    registry: str | None = Field(None, min_length=1)
    """Folder or URL (s3://BUCKET/PREFIX) of published models; the current one serves instead of that of models_dir."""
    registry_poll: float = Field(30.0, ge=0.1)
    """Seconds between two looks into the registry."""
    metrics_host: str = Field("127.0.0.1", min_length=1)
    """Address of the page for Prometheus."""
    metrics_port: int | None = Field(None, ge=0, le=65535)
    """Port of the page for Prometheus, http://HOST:PORT/metrics; 0 takes a free one. The default is no such page."""
    workers: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1, le=256)
    """Model runs at once, and cores that finding the lines of a page uses. The default is one for each core."""
    provider: Provider = "cpu"
    """What executes the models: cpu, or cuda or tensorrt on a GPU of NVIDIA's with zorky-server[gpu]."""
    batch_pixels: int = Field(48 * 1024, ge=48 * 64)
    """Padded pixels of lines that one model run takes at most; `zorky-server tune` finds what suits the machine."""
    max_pending: int = Field(64, ge=1)
    """Pictures inside at most, running or waiting; more are refused as UNAVAILABLE."""
    cache_mib: int = Field(0, ge=0)
    """MiB of memory for readings of pictures that may be kept, given again to whoever sends the same; 0 means none."""
    result_lifetime: float = Field(30 * 86400.0, gt=0, le=100 * 365 * 86400.0)
    """Seconds for which feedback for a result is accepted and its picture, where allowed, is kept."""
    lame_duck: float = Field(5.0, ge=0)
    """Seconds between SIGTERM and the end of taking calls, so that balancers see NOT_SERVING. Ctrl-C does not wait."""
    grace: float = Field(20.0, ge=0)
    """Seconds that calls have to finish when the server stops."""
    log_format: LogFormat = "auto"
    """auto, console or json; auto is console on a terminal and json elsewhere."""
    log_level: LogLevel = "info"
    """debug, info, warning or error."""

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both or neither")
        return self


class BadSettings(ValueError):
    """Raised when settings cannot be used; `problems` has one sentence for each thing to mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(flags: Mapping[str, Any], file: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings in force. flags: by field name, None where not given. Raises BadSettings."""
    from_file = _read(file) if file else {}
    named = {f"{ENVIRONMENT}{name.upper()}": name for name in Settings.model_fields}
    from_environment = {named[name]: value for name, value in environment.items() if name in named}
    from_flags = {name: value for name, value in flags.items() if value is not None}
    origins = {name: f"{name} in {file}" for name in from_file}
    origins |= {name: f"{ENVIRONMENT}{name.upper()}" for name in from_environment}
    origins |= {name: f"--{name.replace('_', '-')}" for name in from_flags}
    try:
        return Settings.model_validate({**from_file, **from_environment, **from_flags})
    except ValidationError as error:
        raise BadSettings([_sentence(one, origins) for one in error.errors()]) from error


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none. Other programs of Zorky's have some, so they are no error."""
    known = {f"{ENVIRONMENT}{name.upper()}" for name in Settings.model_fields} | {FILE_VARIABLE}
    return sorted(name for name in environment if name.startswith(ENVIRONMENT) and name not in known)


def as_toml(settings: Settings) -> str:
    """The settings as a file that `load_settings` reads, each with what it means."""
    return "\n".join(
        f"# {field.description}\n{_toml_line(name, getattr(settings, name))}\n"
        for name, field in Settings.model_fields.items()
    )


def _toml_line(name: str, value: object) -> str:
    """JSON's strings and numbers are TOML's too."""
    if value is None:
        return f"# {name} ="
    shown = value if isinstance(value, int | float) else without_passwords(str(value))
    return f"{name} = {json.dumps(shown, ensure_ascii=False)}"


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise BadSettings([f"cannot read the settings file {file}: {error.strerror}"]) from error
    except ValueError as error:  # not UTF-8, not TOML
        raise BadSettings([f"the settings file {file} is not TOML: {error}"]) from error


def _sentence(error: ErrorDetails, origins: Mapping[str, str]) -> str:
    if not error["loc"]:
        return error["msg"].removeprefix("Value error, ")
    name = str(error["loc"][0])
    origin = origins[name]
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, Settings.model_fields, n=1)
        return f"{origin}: there is no such setting" + (f", did you mean {close[0]}?" if close else "")
    return f"{origin} is {without_passwords(repr(error['input']))}: {error['msg'][0].lower()}{error['msg'][1:]}"
