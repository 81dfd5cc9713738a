#!/usr/bin/env bash
# Every figure in README and docs that depends on the default model, made anew: a file for each in OUT.
#
#     benchmarks/figures.sh DATA OUT [FILM...]
#
# DATA holds the folders test, val and val-scenes, imagenet64/train.tar, and photos/ with the training photographs. What
# is in OUT already is not made again. It takes about an hour on two cores; the last lines say which texts the files
# belong to.
set -euo pipefail
data=$1 out=$2
shift 2
cd "$(dirname "$0")/.."
mkdir -p "$out"

figure() { # NAME COMMAND...: the command's output in OUT/NAME.txt, whole or not at all
    local name=$1
    shift
    [ -e "$out/$name.txt" ] && return
    echo "$name: $*"
    "$@" >"$out/$name.part"
    mv "$out/$name.part" "$out/$name.txt"
}

for set in test val val-scenes; do
    figure "evaluate-$set" photochrom evaluate "$data/$set" --top1 -o "$out/$set"
done
figure sweep photochrom evaluate "$data/test" --sweep -o "$out/sweep"
figure hints python benchmarks/hints.py "$data/val-scenes" --every 4 --methods geodesic network both levin \
    --plot docs/images/hint-methods.png
figure confidence python benchmarks/confidence.py "$data/val-scenes" "$data/val" --plot docs/images/confidence.png
figure pictures python benchmarks/pictures.py
figure guidance python benchmarks/guidance.py docs/images
figure halo python benchmarks/halo.py "$data/val-scenes"
figure structure python benchmarks/structure.py "$data/val" --top1
figure photograph python benchmarks/photograph.py
figure throughput python benchmarks/throughput.py
figure install python benchmarks/install.py
if [ $# -gt 0 ]; then
    figure reference python benchmarks/reference.py --photographs "$data/val-scenes" --films "$@" \
        --classes "$data/val" "$data/imagenet64/train.tar"
    figure video photochrom evaluate-video "$@" --frames 60
    figure film python benchmarks/film.py
fi

cat <<END
evaluate-*, sweep, structure   README "What to expect", docs/default-model.md
photograph, throughput         README "What to expect", docs/reliability.md
install                        README "Try it"
hints, confidence, guidance    README, docs/guidance/
pictures                       README, docs/default-model.md
reference                      docs/guidance/references.md
video, film                    docs/video.md
halo                           docs/default-model.md
END
