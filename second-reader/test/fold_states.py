"""Prints what the second reader makes of the logs of some repositories: a line of JSON for each. Arguments: key file, folders."""
import json, os, sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..'))
from kpipe_reader import Repository, read_key_file


def shown(state):
    def number(pack):
        return pack[0] * 65536 + pack[1]

    def numbers(packs):
        return sorted(number(pack) for pack in packs)

    def drilled(drill):
        return drill and drill._asdict()

    return {
        'packs': {number(pack.number): [pack.id.hex(), pack.kind, pack.bytes, pack.directory_bytes] for pack in state.packs.values()},
        'snapshots': {snapshot.id.hex(): [snapshot.entry, numbers(snapshot.packs), drilled(snapshot.drill)] for snapshot in state.snapshots.values()},
        'condemned': {number(pack): entry for pack, entry in state.condemned.items()},
        'replaced': {pack.hex(): numbers(places) for pack, places in state.replaced.items() if places},
        'healed': {tag.hex(): numbers(places) for tag, places in state.healed.items() if places},
        'damaged': {number(pack): sorted(tag.hex() for tag in tags) for pack, tags in state.missing.items()},
        'writers': {writer.hex(): [entry, state.floors[writer]] for writer, entry in state.open.items()},
        'lost': sorted(state.lost),
    }


with open(sys.argv[1], encoding='utf-8') as file:
    key = read_key_file(file.read())
for folder in sys.argv[2:]:
    print(json.dumps(shown(Repository(folder, 'key-file', key).state)))
