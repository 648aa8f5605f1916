"""A pyiceberg FileIO for lakes that are directories: s3://<bucket>/<key> is <folder>/<key>.

Use it with the property py-io-impl = lake_io.LakeFileIO and the environment variable STUDYLAKE_LAKE, which holds pairs
<bucket>=<folder>, joined as paths are (`:`, on Windows `;`).
"""

import os

from pyarrow.fs import LocalFileSystem
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import PyArrowFile

PROPERTIES = {"py-io-impl": "lake_io.LakeFileIO"}


def folders() -> dict[str, str]:
    pairs = [pair for pair in os.environ.get("STUDYLAKE_LAKE", "").split(os.pathsep) if pair]
    return dict(pair.split("=", 1) for pair in pairs)


def path_of(location: str) -> str:
    """The path of an address. Raises ValueError for a bucket that has no folder."""
    scheme, _, rest = location.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a") or bucket not in folders():
        raise ValueError(f"{location}: expected s3:// and one of the buckets {sorted(folders())}")
    return os.path.join(folders()[bucket], key)


class LakeFileIO(FileIO):
    def _file(self, location: str) -> PyArrowFile:
        return PyArrowFile(location=location, path=path_of(location), fs=LocalFileSystem())

    def new_input(self, location: str) -> PyArrowFile:
        return self._file(location)

    def new_output(self, location: str) -> PyArrowFile:
        os.makedirs(os.path.dirname(path_of(location)), exist_ok=True)
        return self._file(location)

    def delete(self, location) -> None:
        os.remove(path_of(location if isinstance(location, str) else location.location))
