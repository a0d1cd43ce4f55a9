"""What every server process of the shop does, once: settings, listening, health, logs, metrics, errors, drain."""

from services.hosting.hosted import Host, Hosted
from services.hosting.lifecycle import run
from services.hosting.migrating import Migration
from services.hosting.settings import HostSettings

__all__ = ["Host", "HostSettings", "Hosted", "Migration", "run"]
