"""OpenML, from a server on this machine: fetched once, then from the cache, checked by checksum."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from command import regbench, study
from sklearn.datasets import _openml

from regbench.config.blocks.openml import OpenMl
from regbench.data import describe, fingerprint, load, openml
from regbench.errors import BadData

HERE = Path()
ARFF = """\
@relation wines
@attribute alcohol numeric
@attribute colour {red,'white'}
@attribute id numeric
@attribute good {no,yes}
@data
""" + "".join(
    f"{10 + i % 7 / 4},{('red', 'white', '?')[i % 3]},{i},{('no', 'yes')[i % 2]}\n"
    for i in range(60)
)
FEATURES = [
    ("alcohol", "numeric", "false"),
    ("colour", "nominal", "false"),
    ("id", "numeric", "true"),
    ("good", "nominal", "false"),
]


class Server:
    """Answers as api.openml.org does, for one data set."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status, self.arff = "active", ARFF
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                content = outer.answer(self.path)
                self.send_response(412 if content is None else 200)
                self.end_headers()
                self.wfile.write(content or b'{"error": {"message": "Unknown dataset"}}')

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self, path: str) -> bytes | None:
        md5 = hashlib.md5(ARFF.encode(), usedforsecurity=False).hexdigest()
        features = [
            {
                "index": str(i), "name": name, "data_type": kind, "is_target": "false",
                "is_ignore": "false", "is_row_identifier": row, "number_of_missing_values": "0",
            }
            for i, (name, kind, row) in enumerate(FEATURES)
        ]  # fmt: skip
        about = {
            "id": "7", "name": "wines", "version": "1", "format": "ARFF", "status": self.status,
            "url": f"{self.address}/data/wines.arff", "file_id": "9", "md5_checksum": md5,
            "description": "", "default_target_attribute": "good",
        }  # fmt: skip
        answers = {
            "/info/7": {"data_set_description": about},
            "/features/7": {"data_features": {"feature": features}},
            "/qualities/7": {"data_qualities": {"quality": []}},
        }
        if path == "/data/wines.arff":
            return self.arff.encode()
        return json.dumps(answers[path]).encode() if path in answers else None

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "cache"))
    for name, place in (("INFO", "info"), ("FEATURES", "features"), ("QUALITIES", "qualities")):
        monkeypatch.setattr(_openml, f"_DATA_{name}", f"{made.address}/{place}/{{}}")
    monkeypatch.setattr(_openml.time, "sleep", lambda seconds: None)
    openml._fetched.cache_clear()
    yield made
    made.stop()
    openml._fetched.cache_clear()


def block(data_id: int = 7, **keys: object) -> OpenMl:
    given = {"name": "openml", "data_id": data_id, "target": "good", "task": "classification"}
    return OpenMl.model_validate(given | keys)


def test_a_table_is_fetched_once_and_read_as_a_file_would_be(server, tmp_path):
    split = load(block(), 0, HERE)
    assert split.class_names == ("no", "yes")
    # The names of rows are left out by OpenML's own word.
    assert split.feature_names == ("alcohol", "colour=red", "colour=white")
    assert (len(split.train), len(split.val), len(split.test)) == (36, 12, 12)
    found = describe(block(), HERE)
    assert (found.columns[0].low, found.columns[0].high) == (10.0, 11.5)
    assert sum(found.columns[1].missing.values()) == 20
    asked = len(server.asked)
    assert asked == len(set(server.asked)) == 4
    openml._fetched.cache_clear()
    server.stop()
    assert load(block(), 0, HERE).train.ids.tolist() == split.train.ids.tolist()
    text = "dataset: {name: openml, data_id: 7, target: good, task: classification}\n"
    one = study(tmp_path, f"{text}training: {{epochs: 2}}\nseeds: 2\n")
    assert regbench("run", one, "-o", tmp_path / "o", "--quiet").code == 0
    assert regbench("show", tmp_path / "o").code == 0
    assert len(server.asked) == asked


def test_what_the_fingerprint_is(server):
    md5 = hashlib.md5(ARFF.encode(), usedforsecurity=False).hexdigest()
    assert fingerprint(block(), HERE) == f"openml 7 {md5}"
    assert fingerprint(block(target="alcohol", task="regression"), HERE) == f"openml 7 {md5}"


def test_validate_asks_nobody(server, tmp_path):
    one = study(
        tmp_path, "dataset: {name: openml, data_id: 7, target: good, task: classification}\n"
    )
    assert regbench("validate", one).code == 0
    assert server.asked == []


def test_what_is_inactive_is_said(server):
    server.status = "deactivated"
    assert any("is inactive" in note for note in describe(block(), HERE).notes)


def test_what_differs_from_its_checksum_is_never_used(server, tmp_path):
    before = load(block(), 0, HERE).train.x.tolist()
    openml._fetched.cache_clear()
    (cached,) = (tmp_path / "cache").rglob("wines.arff.gz")
    cached.write_bytes(gzip.compress(ARFF.replace("yes", "no").encode()))
    assert load(block(), 0, HERE).train.x.tolist() == before  # fetched again
    openml._fetched.cache_clear()
    cached.write_bytes(gzip.compress(b"changed"))
    server.arff = ARFF.replace("yes", "no")
    with pytest.raises(BadData, match="dataset openml 7: cannot be used: The md5 checksum"):
        load(block(), 0, HERE)


def test_what_is_not_there_or_cannot_be_reached(server, tmp_path):
    with pytest.raises(BadData, match=r"dataset openml 8: cannot be used: .*not found"):
        load(block(8), 0, HERE)
    server.stop()
    one = study(
        tmp_path, "dataset: {name: openml, data_id: 7, target: good, task: classification}\n"
    )
    done = regbench("run", one, "-o", tmp_path / "o")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: dataset openml 7: cannot be fetched from openml.org (")


def test_a_target_that_is_none(server):
    with pytest.raises(BadData, match=r"dataset openml 7: .*'price'"):
        load(block(target="price"), 0, HERE)
