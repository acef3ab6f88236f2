"""Ray clusters of several nodes on this machine, bound to 127.0.0.1, and gone after the test."""

import os
import warnings
from contextlib import contextmanager

# Before Ray is there: it takes the loopback's address for this machine's, and sends nothing.
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
NODE = {"num_cpus": 1, "object_store_memory": 100 << 20, "node_ip_address": "127.0.0.1"}


@contextmanager
def cluster(nodes=2):
    """A cluster of so many nodes of one core each, the head among them; no process stays."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Ray's own making
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        try:
            for _ in range(nodes - 1):
                made.add_node(**NODE)
            made.wait_for_nodes()
            yield made
        finally:
            made.shutdown()
