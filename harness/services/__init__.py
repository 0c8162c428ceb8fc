"""The real components a topology may need; each name here is a file of this folder."""

from harness.services.nginx import AFFINITIES, IDLE_TIMEOUT, Affinity
from harness.services.scripted_llm.faults import FAULTS as LLM_FAULTS

__all__ = ["AFFINITIES", "IDLE_TIMEOUT", "LLM_FAULTS", "SERVICES", "Affinity"]

SERVICES = {
    "llm": "the scripted OpenAI-compatible server, or the endpoint given by --llm",
    "redis": "Redis or Valkey, on a Unix socket",
    "s3": "SeaweedFS, its S3 gateway",
    "ssh": "sshd and rsync, for each instance its own",
    "shared-files": "SeaweedFS, one FUSE mount of the same tree for each instance",
}
