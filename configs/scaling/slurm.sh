#!/bin/bash
# Slurm: one Ray cluster for the length of a job, on all of its nodes. sbatch configs/scaling/slurm.sh
#
# Needs "regbench[ray]" in one virtual environment that all nodes see, and Ray 2.49 or later. A job that
# its time ends before the study does is submitted once more: it goes on where it was.
#SBATCH --job-name=regbench
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=01:00:00
set -euo pipefail
export PATH="$PWD/.venv/bin:$PATH"   # symmetric-run itself calls `ray stop`

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# Starts Ray on each node, runs the command on the first one, and stops Ray when that has ended.
srun ray symmetric-run \
  --address "$head:6379" --min-nodes "$SLURM_JOB_NUM_NODES" --num-cpus "$SLURM_CPUS_PER_TASK" -- \
  regbench run configs/regularizer-grid.yaml --executor ray --address auto \
  -o results/regularizer-grid --time-limit 50m
