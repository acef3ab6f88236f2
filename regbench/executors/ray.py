"""Stacks as tasks of a Ray cluster, with which this machine need not share any file."""

from __future__ import annotations

import asyncio
import io
import os
import platform
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from regbench.config.plan import Plan
from regbench.data import Carried, bring, carried
from regbench.engine.stacks import Stack
from regbench.errors import BadStudy, ClusterLost, RegbenchError
from regbench.executors.executor import Epoch, Event, Failed, Job, Kept, Lost, Tell, Trained
from regbench.executors.pending import bytes_of, seconds_of
from regbench.results.files import make_folder, write_atomic

# How long a cluster may take to answer, and its nodes to say what they have installed.
_CONNECT_SECONDS = 30.0
_POLL_SECONDS = 0.1
# Between two reports of a stack in training.
_REPORT_SECONDS = 0.5
# Between two looks at how large the cluster is: it may grow.
_LOOK_SECONDS = 5.0
# What a worker takes besides its stack, most of it torch.
_WORKER_BYTES = 400 << 20
# Between two looks for the head; how long it may be away, as Ray ends this process after a minute;
# and how long this process may then take to end by itself.
_HEAD_SECONDS, _AWAY_SECONDS, _LEAVE_SECONDS = 2.0, 20.0, 15.0
# A task that takes so long is worth what it takes to begin one.
_TASK_SECONDS = 1.0
_PACKAGES = ("regbench", "torch")


@dataclass(frozen=True)
class Data:
    """What workers cannot read where they are.

    Attributes:
        tables: of files and of what the caller gave, by block.
        modules: the files of the user's own modules, by identity and by place in their folder.
    """

    tables: Mapping[str, Carried]
    modules: Mapping[str, Mapping[str, bytes]]


@contextmanager
def connected(address: str | None) -> Iterator[Cluster]:
    """The cluster at an address, or that of RAY_ADDRESS, or a new one of this machine alone.

    Raises:
        BadStudy: Ray is not installed, or no cluster answers, or it runs another Python or Ray.
    """
    try:
        import ray
    except ImportError:
        raise BadStudy('--executor ray needs Ray: pip install "regbench[ray]"') from None
    # Ray prints what happens to its processes on stdout, where our table goes.
    with redirect_stdout(io.StringIO()):
        mine, over = not ray.is_initialized(), threading.Event()
        try:
            if mine:
                _connect(address, over)
            yield Cluster(address or "this machine", over)
        finally:
            over.set()
            if mine:
                ray.shutdown()


def _connect(address: str | None, over: threading.Event) -> None:
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent to anyone
    _require_answer(address)
    raised: list[BaseException] = []
    tried = threading.Event()

    def connect() -> None:
        try:
            here = address or os.environ.get("RAY_ADDRESS") or "local"
            own = {"include_dashboard": False} if here == "local" else {}
            ray.init(here, log_to_driver=False, logging_level="CRITICAL", **own)
        except BaseException as error:
            raised.append(error)
        tried.set()
        # Linux ends what Ray starts here when the thread that started it ends.
        over.wait()

    # In a thread: it may never return, and in the main one it would take our signals.
    threading.Thread(target=connect, daemon=True).start()
    if not tried.wait(_CONNECT_SECONDS):
        raise BadStudy(_no_cluster(address, f"does not answer within {_CONNECT_SECONDS:.0f} s"))
    if raised:
        lines = (line.strip() for line in str(raised[0]).splitlines())
        raise BadStudy(_no_cluster(address, " ".join(filter(None, lines)))) from raised[0]


def _require_answer(address: str | None) -> None:
    """Go on if something listens at the address, or there is none to ask."""
    found = re.fullmatch(r"(?:ray://)?\[?([^/\]]+)\]?:(\d{1,5})", address or "")
    if address is None or address in ("auto", "local"):
        return
    if found is None or int(found[2]) > 65535:
        raise BadStudy(
            f"--address: expected auto, host:port or ray://host:port, such as head:6379, not "
            f"{address!r}"
        )
    deadline = time.monotonic() + _CONNECT_SECONDS
    while True:
        try:
            socket.create_connection((found[1], int(found[2])), timeout=5).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                why = f"nobody answers within {_CONNECT_SECONDS:.0f} s ({error.strerror or error})"
                raise BadStudy(_no_cluster(address, why)) from error
        time.sleep(0.5)


def _no_cluster(address: str | None, why: str) -> str:
    return (
        f"--executor ray: no cluster at {address or 'this machine'}: {why}; `ray status --address` "
        "shows whether one runs, and without --address one is started here"
    )


class Cluster:
    """A Ray cluster that this process is connected to.

    Attributes:
        over: set when this process no longer needs it.
        head_away: its head did not answer when last asked.
    """

    def __init__(self, name: str, over: threading.Event) -> None:
        import ray

        self.name, self.head_away, self.over = name, False, over
        self._lost = ""
        if not ray.util.client.ray.is_connected():  # that connection says itself that it broke
            head = ray.get_runtime_context().gcs_address
            threading.Thread(target=self._watch, args=(head,), daemon=True).start()

    def _watch(self, head: str) -> None:
        """Note when the head is lost; then this process ends, wherever in Ray it waits."""
        host, _, port = head.rpartition(":")
        seen = time.monotonic()
        while not self.over.wait(_HEAD_SECONDS):
            try:
                socket.create_connection((host.strip("[]"), int(port)), _HEAD_SECONDS).close()
                seen, self.head_away = time.monotonic(), False
            except OSError:
                self.head_away = True
            if time.monotonic() - seen > _AWAY_SECONDS:
                self._lost = _LOST.format(f"its head {head} does not answer")
                time.sleep(_LEAVE_SECONDS)
                if not self.over.is_set():
                    os.write(2, f"error: {self._lost}\n".encode())
                os._exit(ClusterLost.exit_code)

    def require_head(self) -> None:
        """Go on if the head is there, or away for a moment.

        Raises:
            ClusterLost: it is gone.
        """
        if self._lost:
            raise ClusterLost(self._lost)

    def total(self, resource: str) -> float:
        """How much of CPU or GPU its nodes have together."""
        import ray

        return float(ray.cluster_resources().get(resource, 0))

    def device(self, asked: str) -> str:
        """What `auto`, `cpu`, `cuda` stand for on its workers; each sees its own GPU as the first.

        Raises:
            BadStudy: CUDA is asked for where no node has a GPU.
        """
        gpus = self.total("GPU")
        if asked.startswith("cuda") and not gpus:
            raise BadStudy(
                f"training.device is {asked}, but no node of the cluster at {self.name} has a GPU: "
                "use cpu or auto, or add nodes with GPUs"
            )
        return "cuda:0" if asked.startswith("cuda") or (asked == "auto" and gpus) else "cpu"

    def executor(
        self, plan: Plan, stacks: Sequence[Stack], device: str, workers: int | None
    ) -> RayTasks:
        """What trains these stacks on it."""
        self._require_versions()
        return RayTasks(self, plan, stacks, device, workers)

    def _require_versions(self) -> None:
        """Go on if all nodes have the Python and the packages that are here.

        Raises:
            BadStudy: one has others; with both versions.
        """
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        # By value, as where regbench is missing its functions are, too.
        def installed(packages: tuple[str, ...]) -> tuple[str, dict[str, str | None]]:
            from importlib.metadata import PackageNotFoundError, version
            from platform import node, python_version

            found: dict[str, str | None] = {"Python": python_version()}
            for name in packages:
                try:
                    found[name] = version(name)
                except PackageNotFoundError:
                    found[name] = None
            return node(), found

        task = ray.remote(num_cpus=0, max_retries=0)(installed)
        asked = [
            task.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            ).remote(_PACKAGES)
            for node in ray.nodes()
            if node["Alive"]
        ]
        for host, found in ray.get(asked, timeout=2 * _CONNECT_SECONDS):
            _require_same(host, found, _versions())


def _require_same(
    host: str, there: Mapping[str, str | None], here: Mapping[str, str | None]
) -> None:
    for name, wanted in here.items():
        if there[name] != wanted:
            raise BadStudy(
                f"--executor ray: {name} is {there[name] or 'missing'} on node {host} and {wanted} "
                "here: install the same on all nodes"
            )


def _versions() -> dict[str, str | None]:
    return {"Python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


class RayTasks:
    """The cluster's workers train, this process hears of it and commits.

    A task trains one stack, or several of less than a second, as it takes some hundredths itself.

    Args:
        stacks: all that is to be trained.
        workers: how many at most train at once; None takes what the cluster has.
    Raises:
        BadStudy: the cluster cannot train them.
    """

    def __init__(
        self,
        cluster: Cluster,
        plan: Plan,
        stacks: Sequence[Stack],
        device: str,
        workers: int | None,
    ) -> None:
        import ray

        self._cluster, self._folder, self._workers = cluster, plan.study.folder, workers
        threads = max(stack.members[0].setting.training.threads for stack in stacks)
        self._needs = {"num_cpus": threads} | ({"num_gpus": 1} if device != "cpu" else {})
        self._looked, self._slots = 0.0, 0
        self._require_room(stacks)
        members = [member for stack in stacks for member in stack.members]
        modules = {m.module.identity: m.module for m in members if m.module is not None}
        if any(module.maker is not None for module in modules.values()):
            raise BadStudy("--executor ray: a module in memory cannot travel: put it into a file")
        data = Data(
            carried(plan.study),
            {identity: module.files() for identity, module in modules.items()},
        )
        self._data = [ray.put(data)]  # in a list, Ray leaves it to the worker when to get it
        self._task = ray.remote(max_retries=0, **self._needs)(_train)
        self._mailbox = _mailbox()
        self._mail = self._mailbox.take.remote()
        self._running: dict[Any, list[Job]] = {}
        seconds = sum(seconds_of(stack, self._folder) for stack in stacks)
        self._task_seconds = min(_TASK_SECONDS, seconds / (4 * (workers or self._slots_now() or 1)))
        self._group, self._group_seconds = list[Job](), 0.0
        self._once_lost: set[str] = set()

    def _require_room(self, stacks: Sequence[Stack]) -> None:
        """Refuse what no node could ever take: Ray would wait for one."""
        import ray

        heaviest = max(map(self._bytes, stacks))
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if self._workers is None and not self._slots_now():
            raise BadStudy(
                f"--executor ray: the cluster at {self._cluster.name} has no node for tasks of "
                f"{self._needs}: add nodes, or say with --workers how many will come"
            )
        if nodes and heaviest > max(node.get("memory", 0) for node in nodes):
            raise BadStudy(
                f"--executor ray: a stack needs about {heaviest >> 20} MiB, more than any node of "
                f"the cluster at {self._cluster.name} has: take larger nodes"
            )

    def _bytes(self, stack: Stack) -> int:
        return _WORKER_BYTES + bytes_of(stack, self._folder)

    def _slots_now(self) -> int:
        """How many tasks the cluster runs at once."""
        if time.monotonic() - self._looked > _LOOK_SECONDS and not self._cluster.head_away:
            self._looked = time.monotonic()
            gpus = "num_gpus" in self._needs
            by_cpu = self._cluster.total("CPU") // self._needs["num_cpus"]
            self._slots = int(min(by_cpu, self._cluster.total("GPU")) if gpus else by_cpu)
        return self._slots

    @property
    def room(self) -> int:
        """As many as train at once, and a few more so that no worker waits for this process."""
        most = self._workers or self._slots_now() + self._slots_now() // 4 + 1
        return most - len(self._running)

    def submit(self, job: Job) -> None:
        """Take a job."""
        if job.stack.stack_id in self._once_lost:  # it may be why the others of its task were lost
            self._send([job])
            return
        self._group.append(job)
        self._group_seconds += seconds_of(job.stack, self._folder)
        if self._group_seconds >= self._task_seconds:
            self._send_group()

    def _send_group(self) -> None:
        group, self._group, self._group_seconds = self._group, [], 0.0
        if group:
            self._send(group)

    def _send(self, jobs: list[Job]) -> None:
        with _cluster_errors():
            task = self._task.options(memory=max(self._bytes(job.stack) for job in jobs))
            self._running[task.remote(jobs, self._data, self._mailbox, _versions())] = jobs

    def wait(self, tell: Tell) -> None:
        """Tell what workers have sent, and which tasks have ended.

        Raises:
            ClusterLost: the cluster is gone.
        """
        import ray

        self._cluster.require_head()
        self._send_group()
        with _cluster_errors():
            awaited = [self._mail, *self._running]
            ready, _ = ray.wait(awaited, timeout=_POLL_SECONDS)
            if ready:  # those that are ready besides
                ready, _ = ray.wait(awaited, num_returns=len(awaited), timeout=0)
            heard = [self._heard(each) for each in ready]
        for events in heard:
            for event in events:
                tell(event)

    def _heard(self, ready: Any) -> Sequence[Event]:
        import ray

        if ready == self._mail:
            events: list[Event] = ray.get(ready)
            self._mail = self._mailbox.take.remote()
            return events
        jobs = self._running.pop(ready)
        try:
            ended: list[Event] = ray.get(ready)
        except ray.exceptions.RayTaskError as error:
            return [Failed(error.cause if isinstance(error.cause, Exception) else error)]
        except (
            ray.exceptions.WorkerCrashedError,
            ray.exceptions.NodeDiedError,
            ray.exceptions.ObjectLostError,
            ray.exceptions.OutOfMemoryError,
        ) as error:
            lost = [job.stack.stack_id for job in jobs]
            self._once_lost.update(lost)
            return [Lost(stack_id, _why_lost(error), alone=False) for stack_id in lost]
        return ended

    def cancel(self, tell: Tell) -> None:
        """End all tasks at once; their stacks go on from the checkpoints that came."""
        import ray

        with suppress(Exception):  # a cluster that is gone has no tasks
            for task in self._running:
                ray.cancel(task, force=True)


_LOST = "the Ray cluster is gone ({}): finished work is kept; the same command goes on"


@contextmanager
def _cluster_errors() -> Iterator[None]:
    """Say in one line that the cluster is gone."""
    import ray

    try:
        yield
    except (ray.exceptions.RayError, ConnectionError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ClusterLost(_LOST.format(why)) from error


def _why_lost(error: Exception) -> str:
    import ray

    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return "the worker was killed (out of memory)"
    if isinstance(error, ray.exceptions.NodeDiedError):
        return "its node was lost"
    return "the worker was killed (out of memory?)"


# --- on the cluster -------------------------------------------------------------------------------


def _mailbox() -> Any:
    """A mailbox, on this very node where this process is on one."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    options: dict[str, Any] = {"num_cpus": 0, "max_concurrency": 100_000}
    if not ray.util.client.ray.is_connected():
        here = ray.get_runtime_context().get_node_id()
        options["scheduling_strategy"] = NodeAffinitySchedulingStrategy(here, soft=False)
    return ray.remote(_Mailbox).options(**options).remote()


class _Mailbox:
    """Events on their way to the driver: an actor."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._came = asyncio.Event()
        self._taken = asyncio.Event()

    async def put(self, event: Event) -> None:
        """Leave an event. With a stack's state this takes until the driver has it, so that states
        do not pile up here.
        """
        self._events.append(event)
        self._came.set()
        if isinstance(event, Kept):
            await self._taken.wait()

    async def take(self) -> list[Event]:
        """What has come, after a moment if nothing has."""
        self._taken.set()  # what was taken before has arrived
        self._taken = asyncio.Event()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._came.wait(), 1.0)
        self._came.clear()
        events, self._events = self._events, []
        return events


# Of a worker: the data that it was sent, where it has put the files of modules, and what its last
# stack was trained on.
_data: dict[str, Data] = {}
_folders: dict[str, Path] = {}
_splits: dict[Any, Any] = {}


def _train(
    jobs: Sequence[Job], sent: Sequence[Any], mailbox: Any, versions: Mapping[str, str | None]
) -> list[Event]:
    """What a task does; gives the events that have not been sent before."""
    import ray

    host = platform.node()
    _require_same(host, _versions(), versions)
    if (key := sent[0].hex()) not in _data:
        _data[key] = ray.get(sent[0])
        bring(_data[key].tables)
        for identity, files in _data[key].modules.items():
            _folders[identity] = Path(tempfile.mkdtemp(prefix="regbench-"))
            for place, content in files.items():
                make_folder((_folders[identity] / place).parent)
                write_atomic(_folders[identity] / place, content)
    from regbench.executors.train import train

    ended: list[Event] = []
    waiting: Epoch | None = None
    last = time.monotonic()

    def tell(event: Event) -> None:
        nonlocal waiting, last
        if isinstance(event, Trained):
            ended.append(replace(event, where=f"{host} {ray.get_runtime_context().get_node_id()}"))
        elif isinstance(event, Epoch):
            waiting = event if waiting is None else _together(waiting, event)
            if time.monotonic() - last >= _REPORT_SECONDS:
                last = time.monotonic()
                mailbox.put.remote(waiting)
                waiting = None
        else:
            ray.get(mailbox.put.remote(event))

    try:
        for job in jobs:
            train(replace(job, stack=_with_modules(job.stack)), tell, _splits)
            if waiting is not None:
                ended.insert(len(ended) - 1, waiting)
                waiting = None
    except RegbenchError as error:
        raise type(error)(*(f"{line} (on node {host})" for line in error.lines)) from None
    return ended


def _with_modules(stack: Stack) -> Stack:
    """The stack, with the user's own modules where their files are on this machine."""
    members = tuple(
        replace(m, module=replace(m.module, file=_folders[m.module.identity] / m.module.file.name))
        if m.module is not None and m.module.file is not None
        else m
        for m in stack.members
    )
    return replace(stack, members=members)


def _together(before: Epoch, now: Epoch) -> Epoch:
    losses = now.losses or before.losses
    return replace(now, trajectories=before.trajectories + now.trajectories, losses=losses)
