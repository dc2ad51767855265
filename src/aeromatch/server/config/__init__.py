"""The server's configuration: one YAML file, typed and checked, with overrides from the environment."""

from aeromatch.server.config.load import ConfigError, Loaded, load
from aeromatch.server.config.sections import Config

__all__ = ["Config", "ConfigError", "Loaded", "load"]
