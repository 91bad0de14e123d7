"""Devices of different speeds: control groups that limit how much of a core the stage on each may use."""

from __future__ import annotations

from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_NAME = "cutpoint-truth"
# A short period spreads the pauses evenly: an inference meets many of them.
_PERIOD_US = 20_000
# What other programs want comes after: the largest weight of each version.
_MOST_SHARES, _MOST_WEIGHT = 262_144, 10_000


class Quotas:
    """One group for each device, as a share of one core. Needs root, or a part of the tree that the user may write."""

    def __init__(self, shares: dict[str, float]):
        self._is_v2 = (_ROOT / "cgroup.controllers").exists()
        self._folder = (_ROOT if self._is_v2 else _ROOT / "cpu") / _NAME
        self._shares = shares

    def __enter__(self) -> Quotas:
        try:
            self._folder.mkdir(exist_ok=True)
            if self._is_v2:
                (self._folder / "cpu.weight").write_text(str(_MOST_WEIGHT))
                (self._folder / "cgroup.subtree_control").write_text("+cpu")
            else:
                (self._folder / "cpu.shares").write_text(str(_MOST_SHARES))
            for name, share in self._shares.items():
                self._limit(name, round(share * _PERIOD_US))
        except OSError as error:
            raise SystemExit(f"{error.filename} cannot be written ({error.strerror}): run this as root") from error
        return self

    def __exit__(self, *_: object) -> None:
        for name in self._shares:
            (self._folder / name).rmdir()
        self._folder.rmdir()

    def _limit(self, name: str, quota_us: int) -> None:
        group = self._folder / name
        group.mkdir(exist_ok=True)
        if self._is_v2:
            (group / "cpu.max").write_text(f"{quota_us} {_PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota_us))

    def wrapped(self, name: str) -> list[str]:
        """Returns the words that start a command in the group of a device."""
        processes = self._folder / name / "cgroup.procs"
        return ["sh", "-c", f'echo $$ > {processes} && exec "$@"', "sh"]
