"""Ray clusters of several nodes on this machine, bound to 127.0.0.1, and gone after the test."""

import os
import warnings
from contextlib import contextmanager

# Before Ray is there: it takes the loopback's address for this machine's, and sends nothing.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
_NODE = {"num_cpus": 1, "object_store_memory": 100 << 20}
# Commands connect to the head, which has this address; the other nodes have another.
_HEAD, _OTHERS = "127.0.0.1", "127.0.0.2"


@contextmanager
def cluster(nodes=2):
    """A cluster of so many nodes of one core each, the head among them; no process stays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own making
        from ray.cluster_utils import Cluster

        head = {**_NODE, "node_ip_address": _HEAD, "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(nodes - 1):
                add_node(made)
            yield made
        finally:
            made.shutdown()


def add_node(made):
    """Another node; it is there when this returns."""
    node = made.add_node(**_NODE, node_ip_address=_OTHERS)
    made.wait_for_nodes()
    return node
