#!/bin/bash
# Training over the nodes of a Slurm job, one worker on each:
#
#     sbatch --nodes=4 deploy/slurm.sh --model /shared/model --batch 4000 --epochs 20
#
# The folder is one that all nodes share, with the vocabulary and the token store in it. Two minutes
# before its time is over the job is told so: the step is finished, a checkpoint is saved, and the
# job goes to the queue again, to go on from there.
#SBATCH --job-name=chatbot
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

mapfile -t hosts < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
port=$((20000 + SLURM_JOB_ID % 12000)) # below those that systems give out themselves
workers=$(printf '"%s:'"$port"'",' "${hosts[@]}")
export CLUSTER="{\"worker\": [${workers%,}]}"

code=0
# shellcheck disable=SC2016 # each task looks up its own number
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --kill-on-bad-exit=0 --wait=0 bash -c '
  task="{\"type\": \"worker\", \"index\": $SLURM_PROCID}"
  export TF_CONFIG="{\"cluster\": $CLUSTER, \"task\": $task}"
  exec chatbot train --distribute multi-worker --threads "$SLURM_CPUS_PER_TASK" "$@"
' worker "$@" || code=$?

if [ "$code" -eq 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
