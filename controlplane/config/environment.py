"""The variables a config may ask for: the environment, and a `.env` file for what it lacks."""

from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from controlplane.config.problem import ConfigError, ConfigErrors


def environment(
    environ: Mapping[str, str], config_file: Path | None, env_file: Path | None
) -> dict[str, str]:
    """Variables by name, as a data plane would find them. Raises ConfigErrors.

    :param config_file: a `.env` in its folder is read when `env_file` is None.
    """
    file = env_file
    if file is None and config_file is not None:
        beside = config_file.parent / ".env"
        file = beside if beside.is_file() else None
    try:
        given = {} if file is None else dotenv_values(file, interpolate=False)
    except OSError as e:
        reason = e.strerror or str(e)
        raise ConfigErrors([ConfigError(str(file), 0, "", f"cannot be read: {reason}")]) from e
    except UnicodeDecodeError as e:
        raise ConfigErrors([ConfigError(str(file), 0, "", "is not UTF-8 text")]) from e
    filled = {name: value for name, value in given.items() if value is not None}
    # An empty variable counts as absent for a data plane, so the file may fill it.
    return filled | {name: value for name, value in environ.items() if value or name not in filled}
