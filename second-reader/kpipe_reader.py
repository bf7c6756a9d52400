#!/usr/bin/env python3
"""Lists and restores what a kpipe repository holds. Written from packages/repository/FORMAT.md alone; it writes nothing into a repository.

Exit codes are kpipe's: 0 done, 3 done but entries of the log are lost, 12 key, 64 usage or unknown snapshot, 65 damage,
75 a file cannot be read or written, 78 not supported.
"""
import argparse, bisect, hashlib, hmac, json, os, re, struct, sys, unicodedata
from collections import defaultdict, namedtuple
from datetime import datetime, timezone

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    import zstandard
except ImportError as error:
    sys.exit(print(f'kpipe_reader: the Python packages cryptography and zstandard are needed: {error}', file=sys.stderr) or 78)
try:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # from 44 on
except ImportError:
    Argon2id = None

FORMAT, DRAFT = 1, 3
ATTENTION, NOTHING, KEY, USAGE, DAMAGE, STORAGE, UNSUPPORTED = 3, 10, 12, 64, 65, 75, 78

# What a reader takes at the most; see the chapter "Bounds".
MAX_ENTRY, MAX_GAP, MAX_PACK, MAX_FRAME, MAX_CHUNKS = 1 << 22, 10_000, 1 << 26, 1 << 25, 1 << 25
MAX_LINKS, MAX_CHAIN, MAX_TABLE, MAX_VALUES, MAX_SLOTS, MAX_WORK, MAX_NOTE = 64, 1 << 24, 1 << 17, 1 << 22, 16_384, 12 << 20, 1024


class Failure(Exception):
    """What went wrong, in one sentence, and the exit code for it."""

    def __init__(self, code, sentence):
        super().__init__(sentence)
        self.code = code


class Unreadable(Exception):
    """Bytes that are not what they should be; who reads them says whose they are."""


# What a parser of authenticated bytes may throw when they do not have the promised shape.
MISSHAPEN = (Unreadable, StopIteration, zstandard.ZstdError, KeyError, IndexError, TypeError, ValueError, struct.error, AttributeError)


def within(value, bound):
    if value > bound:
        raise Unreadable(f'{value} is above {bound}')


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


# --- msgpack and columns ------------------------------------------------------------------------------------------------------------------


def unpack(data):
    value, end = _value(data, 0, 0)
    if end != len(data):
        raise Unreadable('bytes after the end')
    return value


def _value(data, at, depth):
    if depth > 8:
        raise Unreadable('nesting')
    kind = data[at]
    at += 1
    if kind <= 0x7F:
        return kind, at
    if kind >= 0xE0:
        return kind - 256, at
    if kind <= 0x8F:
        return _map(data, at, kind & 15, depth)
    if kind <= 0x9F:
        return _list(data, at, kind & 15, depth)
    if kind <= 0xBF:
        return _bytes(data, at, kind & 31, True)
    if kind in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[kind], at
    numbers = {0xCA: '>f', 0xCB: '>d', 0xCC: '>B', 0xCD: '>H', 0xCE: '>I', 0xCF: '>Q', 0xD0: '>b', 0xD1: '>h', 0xD2: '>i', 0xD3: '>q'}
    if kind in numbers:
        return struct.unpack_from(numbers[kind], data, at)[0], at + struct.calcsize(numbers[kind])
    sized = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4, 0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}
    if kind not in sized:
        raise Unreadable(f'msgpack type {kind:#x}')
    size = int.from_bytes(data[at : at + sized[kind]], 'big')
    at += sized[kind]
    if kind <= 0xDB:
        return _bytes(data, at, size, kind >= 0xD9)
    return (_list if kind <= 0xDD else _map)(data, at, size, depth)


def _bytes(data, at, size, text):
    if at + size > len(data):
        raise Unreadable('cut off')
    found = bytes(data[at : at + size])
    return found.decode() if text else found, at + size


def _list(data, at, size, depth):
    within(size, MAX_VALUES)
    items = []
    for _ in range(size):
        item, at = _value(data, at, depth + 1)
        items.append(item)
    return items, at


def _map(data, at, size, depth):
    within(size, MAX_VALUES)
    found = {}
    for _ in range(size):
        key, at = _value(data, at, depth + 1)
        found[key], at = _value(data, at, depth + 1)
    return found, at


def varints(column):
    numbers, value, shift = [], 0, 0
    for byte in column:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    if shift:
        raise Unreadable('varint cut off')
    return numbers


def pack_numbers(column):
    """A column of pack numbers as (entry, place) pairs."""
    pairs, entry, place = [], 0, 0
    numbers = varints(column)
    for first, second in zip(numbers[::2], numbers[1::2], strict=True):
        place = second + (place if first == 0 and pairs else 0)
        entry += first
        pairs.append((entry, place))
    return pairs


def records(column, size):
    if len(column) % size:
        raise Unreadable('column')
    return [column[at : at + size] for at in range(0, len(column), size)]


def u32s(column):
    return [item[0] for item in struct.iter_unpack('<I', column)]


def decompress(data, most):
    """The bytes of a zstd frame; one more than `most` when there are more."""
    return zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(data).read(most + 1)


def with_length(plain):
    """The msgpack map in bytes that begin with its length and end with padding."""
    size = int.from_bytes(plain[:4], 'little')
    if 4 + size > len(plain):
        raise Unreadable('cut off')
    return unpack(plain[4 : 4 + size])


# --- sealing ------------------------------------------------------------------------------------------------------------------------------


def hkdf(secret, salt, info, size):
    prk = hmac.digest(salt, secret, 'sha256')
    out = block = b''
    while len(out) < size:
        block = hmac.digest(prk, block + info + bytes([len(out) // 32 + 1]), 'sha256')
        out += block
    return out[:size]


def open_gcm(key, sealed, bound):
    try:
        return AESGCM(key).decrypt(bytes(12), sealed, bound)
    except InvalidTag:
        raise Unreadable('it was changed') from None


def open_unit(working_key, unit, header):
    if len(unit) < 64:
        raise Unreadable('too short')
    material = hkdf(working_key, unit[:32], b'kpipe/1/unit\0' + header, 48)
    if not hmac.compare_digest(material[32:], unit[32:48]):
        raise Unreadable('another key')
    return open_gcm(material[:32], unit[48:], header)


def is_start(data, magic):
    return data[:12] == magic + struct.pack('<HH', FORMAT, DRAFT)


# --- secrets and slots --------------------------------------------------------------------------------------------------------------------

KINDS = {1: 'key-file', 2: 'recovery-phrase', 3: 'password'}
SYMBOLS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
SlotObject = namedtuple('SlotObject', 'name id epoch kind parameters public box ephemeral bundle header digest')


def read_key_file(text):
    found = re.fullmatch(r'(kpipe-key:1:([0-9a-f]{64})):([0-9a-f]{8})\n?', text)
    if not found or sha256(found[1].encode()).hex()[:8] != found[3]:
        raise Failure(KEY, 'the key file is not whole')
    return bytes.fromhex(found[2])


def read_phrase(text):
    symbols = re.sub(r'[\s-]', '', text).upper().replace('O', '0').replace('I', '1').replace('L', '1')
    if len(symbols) != 56 or any(symbol not in SYMBOLS for symbol in symbols):
        raise Failure(KEY, 'the recovery phrase does not have 56 letters and digits')
    number = 0
    for symbol in symbols:
        number = number * 32 + SYMBOLS.index(symbol)
    phrase = number.to_bytes(35, 'big')
    if sha256(b'kpipe recovery phrase\0', phrase[:32])[:3] != phrase[32:]:
        raise Failure(KEY, 'the recovery phrase has a mistake')
    return phrase[:32]


def stretch(password, parameters):
    salt, memory, passes, lanes = struct.unpack('<16sIII', parameters)
    if not (19 * 1024 <= memory <= 1024 * 1024 and 1 <= passes <= 10 and 1 <= lanes <= 16):
        raise Unreadable('its parameters are out of bounds')
    if Argon2id is None:
        raise Failure(UNSUPPORTED, 'passwords need argon2id, which this version of the Python package cryptography does not have')
    secret = unicodedata.normalize('NFC', password).encode()
    return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(secret)


def parse_slot(name, data, repository):
    if len(data) > 4096 or not is_start(data, b'KPIPESLT') or sha256(data[:-32]) != data[-32:]:
        raise Unreadable('slot')
    owner, slot, epoch, kind, _, size = struct.unpack_from('<16s8sIBBH', data, 12)
    if len(data) != 440 + size or owner != repository or name != f'keys/{slot.hex()}/{epoch:010}' or kind not in KINDS:
        raise Unreadable('slot')
    at = 44 + size
    parts = [data[44:at], data[at : at + 32], data[at + 32 : at + 128], data[at + 128 : at + 160], data[at + 164 : at + 364]]
    return SlotObject(name, slot, epoch, KINDS[kind], *parts, data[: 204 + size], sha256(data))


class Keys:
    """The slot objects that one secret opens, and the roots in them. Which roots hold, the log tells."""

    def __init__(self, store, repository, kind, secret):
        self.repository, self.candidates, self.roots = repository, defaultdict(list), {}
        damaged, stretched, privates, names = [], {}, {}, store.list('keys')
        if len(names) > MAX_SLOTS:
            raise Failure(DAMAGE, f'there are {len(names)} objects of key slots')
        for name in names:
            try:
                slot = parse_slot(name, store.read(name), repository)
            except MISSHAPEN:
                damaged.append(name)
                continue
            if slot.kind != kind:
                continue
            try:
                if slot.id not in privates:
                    privates[slot.id] = self.private_key(slot, secret, stretched)
                self.candidates[slot.epoch].append((slot, self.bundle(slot, privates[slot.id])))
            except MISSHAPEN as error:
                if str(error) != 'another key':
                    damaged.append(name)
        if not self.candidates and damaged:
            raise Failure(DAMAGE, f'no key slot opens with this {kind}, and {damaged[0]} is damaged')
        if not self.candidates:
            raise Failure(KEY, f'no key slot of the repository opens with this {kind}')

    def private_key(self, slot, secret, stretched):
        if slot.kind == 'password':
            if slot.parameters not in stretched:
                within(len(stretched) + 1, 16)
                within(sum(memory * passes for memory, passes in (struct.unpack_from('<II', one, 16) for one in [slot.parameters, *stretched])), MAX_WORK)
                stretched[slot.parameters] = stretch(secret, slot.parameters)
            secret = stretched[slot.parameters]
        number = {kind: number for number, kind in KINDS.items()}[slot.kind]
        header = b'kpipe/slot\0' + self.repository + slot.id + struct.pack('<BI', number, len(slot.parameters)) + slot.parameters + slot.public
        working = hkdf(secret, self.repository, f'kpipe/1/slot/{slot.kind}'.encode(), 32)
        private = X25519PrivateKey.from_private_bytes(open_unit(working, slot.box, header))
        if private.public_key().public_bytes_raw() != slot.public:
            raise Unreadable('its private key belongs to another public key')
        return private

    def bundle(self, slot, private):
        shared = private.exchange(X25519PublicKey.from_public_bytes(slot.ephemeral))
        working = hkdf(shared, self.repository, b'kpipe/1/bundle\0' + slot.ephemeral + slot.public, 32)
        epoch, contents, m, d, tag_key = struct.unpack('<II32s32s64s', open_unit(working, slot.bundle, slot.header))
        if epoch != slot.epoch or contents & 7 != 7:
            raise Unreadable('its bundle lacks keys')
        return {'M': m, 'D': d, 'tag': tag_key}

    def open_entry(self, epoch, unit, header):
        """The plain bytes of a log entry; the roots that open the first entry of an epoch are those of the epoch."""
        for slot, roots in self.possible(epoch):
            try:
                plain = open_unit(self.derived(roots['M'], 'log'), unit, header)
            except Unreadable:
                continue
            self.roots[epoch] = (slot, roots)
            return plain
        raise Unreadable('it does not open')

    def possible(self, epoch):
        """The roots of an epoch, or while they are not known those it may have; the tag key is the same in all epochs."""
        found = [self.roots[epoch]] if epoch in self.roots else self.candidates[epoch]
        return [one for one in found if 1 not in self.roots or one[1]['tag'] == self.roots[1][1]['tag']]

    def derived(self, root, label):
        return hkdf(root, self.repository, b'kpipe/1/' + label.encode(), 32)

    def working(self, epoch, label):
        if epoch not in self.roots:
            if not self.possible(epoch):
                raise Unreadable(f'keys of epoch {epoch}')
            self.roots[epoch] = self.possible(epoch)[0]
        return self.derived(self.roots[epoch][1]['D' if label == 'codecs' else 'M'], label)

    def tag(self, data):
        """The SHA-256 tag of a chunk."""
        return sha256(self.roots[1][1]['tag'], data)[:16]


# --- store --------------------------------------------------------------------------------------------------------------------------------


class Store:
    def __init__(self, folder):
        self.folder = folder

    def read(self, name, start=0, size=-1):
        try:
            with open(os.path.join(self.folder, name), 'rb') as file:
                file.seek(start)
                return file.read(size)
        except (FileNotFoundError, NotADirectoryError):
            raise Failure(DAMAGE, f'{name} is missing') from None

    def list(self, prefix):
        top = os.path.join(self.folder, prefix)
        found = (os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names)
        return sorted(os.path.relpath(file, self.folder).replace(os.sep, '/') for file in found)


def read_marker(store):
    """The repository's id and the digest of its marker."""
    try:
        data = store.read('repository')
    except Failure:
        raise Failure(NOTHING, f'{store.folder} is not a repository of kpipe') from None
    if data[:8] == b'KPIPEREP' and sha256(data[:-32]) == data[-32:] and not is_start(data, b'KPIPEREP'):
        found = struct.unpack_from('<HH', data, 8)
        raise Failure(UNSUPPORTED, f'the repository is of format {found[0]} draft {found[1]}, and this reads format {FORMAT} draft {DRAFT}')
    if len(data) > 4096 or not is_start(data, b'KPIPEREP') or sha256(data[:-32]) != data[-32:]:
        raise Failure(DAMAGE, 'the marker of the repository is damaged')
    at = 29
    for _ in range(data[28]):
        refuse_features([data[at + 1 : at + 1 + data[at]].decode('ascii', 'replace')])
        at += 1 + data[at]
    return data[12:28], sha256(data)


def refuse_features(names):
    for name in names:
        raise Failure(UNSUPPORTED, f'reading this repository needs {name}, which this program does not know')


# --- log ----------------------------------------------------------------------------------------------------------------------------------

Pack = namedtuple('Pack', 'number id kind bytes directory_bytes')
Drill = namedtuple('Drill', 'time level passed note proven')
Opened = namedtuple('Opened', 'epoch map')


class Snapshot:
    """`manifest` is its bytes, or where it lies in the pack `pack_id`; `packs` are the numbers of those that it uses."""

    drill = None

    def __init__(self, entry, packs, manifest, pack_id=None):
        self.entry, self.packs, self.manifest, self.pack_id = entry, packs, manifest, pack_id
        self.id = sha256(manifest) if isinstance(manifest, bytes) else manifest['id']


class State:
    """What the entries of the log come to, in order; the rules are those of the chapter "State"."""

    def __init__(self):
        self.epoch = self.sealed = 1
        self.slots, self.tag_algorithm, self.marker, self.features = [], None, None, []
        self.open, self.floors, self.snapshots, self.lost = {}, {}, {}, {}
        self.packs, self.ids, self.condemned = {}, {}, {}
        self.missing, self.healed, self.replaced = defaultdict(set), defaultdict(list), defaultdict(list)

    def apply(self, n, epoch, entry):
        rule, features = RULES.get(entry['kind']), entry.get('requires', {}).get('read', [])
        if epoch < self.sealed or (epoch > self.epoch and (not self.lost or entry['kind'] in ('KEY', 'VOID'))):
            return
        self.sealed = epoch
        self.features += features
        if rule:
            rule(self, n, entry)

    def genesis(self, n, entry):
        if n == 0:
            self.tag_algorithm, self.marker, self.slots = entry['tag_algorithm'], entry['marker'], listed(entry)

    def key(self, n, entry):
        epoch, slots = entry['epoch'], listed(entry)
        if epoch >= self.epoch:
            self.epoch = self.sealed = epoch
            self.slots = slots

    def begin(self, n, entry):
        if entry['writer'] not in self.open:
            self.open[entry['writer']] = self.floors[entry['writer']] = n

    def abort(self, n, entry):
        self.open.pop(entry['writer'], None)

    def snapshot(self, n, entry):
        writer, new, uses = entry['writer'], new_packs(n, entry), pack_numbers(entry['uses'])
        manifest = entry['manifest']
        pack_id = None if isinstance(manifest, bytes) else id_of(writer, manifest['counter'])
        made = Snapshot(n, {pack.number for pack in new} | set(uses), manifest, pack_id)
        if writer not in self.open or any(number not in self.packs for number in uses) or not self.are_new(new):
            return
        del self.open[writer]
        self.know(new)
        self.snapshots[made.id] = made
        self.heal_users(made)

    def are_new(self, packs):
        ids = {pack.id for pack in packs}
        return len(ids) == len(packs) and not any(pack_id in self.ids for pack_id in ids)

    def heal_users(self, snapshot):
        """A snapshot uses what heals the chunks lost in its packs; whatever it uses is not condemned."""
        for number in list(snapshot.packs):
            snapshot.packs.update(healer for tag in self.missing.get(number, ()) for healer in self.healed.get(tag, ()))
        for number in snapshot.packs:
            self.condemned.pop(number, None)

    def forget(self, n, entry):
        for snapshot in list(entry['snapshots']):
            self.snapshots.pop(snapshot, None)

    def condemn(self, n, entry):
        numbers = pack_numbers(entry['packs'])
        used = self.used()
        if all(number in self.packs and number not in used for number in numbers):
            for number in numbers:
                self.condemned.setdefault(number, n)

    def sweep(self, n, entry):
        sweeper, numbers = entry['writer'], pack_numbers(entry['packs'])
        if any(number not in self.condemned for number in numbers):
            return
        newest = max((self.condemned[number] for number in numbers), default=0)
        if any(opened < newest for writer, opened in self.open.items() if writer != sweeper):
            return
        for number in numbers:
            del self.condemned[number], self.ids[self.packs.pop(number).id]
            self.missing.pop(number, None)
            for places in [*self.replaced.values(), *self.healed.values()]:
                if number in places:
                    places.remove(number)

    def compact(self, n, entry):
        writer, new, old = entry['writer'], new_packs(n, entry), pack_numbers(entry['old'])
        into, up_to = varints(entry['into']), entry['up_to']
        moves = [(number, new[place].number) for number, place in zip(old, into, strict=True)]
        if writer not in self.open or not self.floors[writer] <= up_to < n or any(number not in self.packs for number in old):
            return
        if not self.are_new(new):
            return
        self.know(new)
        self.moved(n)
        self.floors[writer] = up_to
        for snapshot in self.snapshots.values():
            if snapshot.entry <= up_to:
                gone = [move for move in moves if move[0] in snapshot.packs]
                snapshot.packs.difference_update(number for number, _ in gone)
                snapshot.packs.update(number for _, number in gone)
        for number, successor in moves:
            followers = [places for places in [*self.replaced.values(), *self.healed.values()] if number in places]
            for places in [self.replaced[self.packs[number].id], *followers]:
                if successor not in places:
                    places.append(successor)
        used = self.used()
        for number in [*old, *(pack.number for pack in new)]:
            if number not in used:
                self.condemned.setdefault(number, n)

    def damaged(self, n, entry):
        for number, tags in some(tags_by_pack(entry)):
            if number in self.packs:
                self.missing[number].update(tags)
                self.moved(n)

    def heal(self, n, entry):
        found = some(tags_by_pack(entry))
        if any(number not in self.packs for number, _ in found):
            return
        for number, tags in found:
            for tag in tags:
                if number not in self.healed[tag]:
                    self.healed[tag].append(number)
        for snapshot in self.snapshots.values():
            self.heal_users(snapshot)
        self.moved(n)

    def checked(self, n, entry):
        for number in pack_numbers(entry['packs']):
            if self.missing.pop(number, None):
                self.moved(n)

    def moved(self, n):
        """Chunks are to be had elsewhere from entry n on: what open writers examined before says nothing any more."""
        self.floors = dict.fromkeys(self.open, n)

    def drilled(self, n, entry):
        snapshot, level, passed, note = entry['snapshot'], entry['level'], entry['passed'], entry['note']
        if len(snapshot) != 32 or level not in ('walked', 'booted') or not isinstance(passed, bool):
            raise Unreadable('drill')
        within(len(note.encode()), MAX_NOTE)
        found = self.snapshots.get(snapshot)
        if found:
            proven = passed and (level == 'booted' or bool(found.drill and found.drill.proven))
            found.drill = Drill(entry['time'], level, passed, note, proven)

    def void(self, n, entry):
        if 'state' in entry and not self.take(unpack(decompress(entry['state'], 1 << 28))):
            return
        if entry['n'] in self.lost and self.lost[entry['n']] == entry['digest']:
            del self.lost[entry['n']]

    def take(self, said):
        """Goes on from a state as a checkpoint has it, if it is of the current epoch."""
        if said['epochs'][-1][0] != self.epoch:
            return False
        packs, snapshots = said['packs'], said['snapshots']
        numbers = pack_numbers(packs['numbers'])
        writers = dict(zip(dict.fromkeys(entry for entry, _ in numbers), records(packs['writers'], 8), strict=True))
        columns = [packs['classes'].decode(), *(varints(packs[name]) for name in ('counters', 'bytes', 'directory_bytes'))]
        self.packs, self.ids = {}, {}
        for number, kind, counter, size, directory in zip(numbers, *columns, strict=True):
            self.know([Pack(number, id_of(writers[number[0]], counter), kind, size, directory)])
        self.snapshots, entry, used, manifests, large = {}, 0, iter(varints(snapshots['packs'])), snapshots['manifests'], iter(snapshots['large'])
        for gap, size, count in zip(*(varints(snapshots[name]) for name in ('entries', 'manifest_bytes', 'pack_counts')), strict=True):
            entry += gap
            place, uses = 0, set()
            for _ in range(count):
                place += next(used)
                uses.add(numbers[place])
            manifest, manifests = (manifests[:size] if size else next(large)), manifests[size:]
            made = Snapshot(entry, uses, manifest, None if size else bytes.fromhex(manifest['packId']))
            self.snapshots[made.id] = made
        self.drill_again(list(self.snapshots.values()), snapshots['drills'])
        self.condemned = dict(zip(pack_numbers(said['condemned']['packs']), varints(said['condemned']['entries']), strict=True))
        self.replaced, self.healed = (self.lists(said[name]) for name in ('replaced', 'healed'))
        self.missing = defaultdict(set, {number: set(tags) for number, tags in tags_by_pack(said['damaged'])})
        self.open = {opened['writer']: opened['entry'] for opened in said['writers']}
        self.floors = {opened['writer']: opened['floor'] for opened in said['writers']}
        self.slots, self.features = listed(said), said['requires'].get('read', [])
        return True

    def drill_again(self, snapshots, said):
        place, columns = 0, [varints(said['places']), varints(said['times']), said['results'], said['notes']]
        for gap, time, bits, note in zip(*columns, strict=True):
            place += gap
            snapshots[place].drill = Drill(time, 'booted' if bits & 2 else 'walked', bool(bits & 1), note, bool(bits & 4))

    def lists(self, said):
        places, found = iter(varints(said['packs'])), defaultdict(list)
        for key, count in zip(records(said['keys'], 16), varints(said['counts']), strict=True):
            found[key] = [divmod(next(places), 65536) for _ in range(count)]
        return found

    def know(self, packs):
        for pack in packs:
            self.packs[pack.number], self.ids[pack.id] = pack, pack.number

    def used(self):
        return set().union(*(snapshot.packs for snapshot in self.snapshots.values()))

    def places(self, snapshot, tag, pack_id):
        """The packs of the snapshot in which a chunk may be that its recipe names in a pack, the likeliest first."""
        named = [self.ids[pack_id]] if pack_id in self.ids else []
        candidates = [*self.healed.get(tag, ()), *named, *self.replaced.get(pack_id, ())]
        found = [number for number in candidates if number in snapshot.packs]
        whole = [number for number in found if tag not in self.missing.get(number, ())]
        if found and not whole:
            raise Failure(DAMAGE, f'the log says that a chunk of snapshot {snapshot.id.hex()[:12]} is lost, last in {name_of(self.packs[found[-1]])}')
        return [self.packs[number] for number in whole]


RULES = {
    'GENESIS': State.genesis, 'KEY': State.key, 'OPEN': State.begin, 'ABORT': State.abort, 'SNAPSHOT': State.snapshot,
    'FORGET': State.forget, 'CONDEMN': State.condemn, 'SWEEP': State.sweep, 'COMPACT': State.compact, 'DAMAGED': State.damaged,
    'HEAL': State.heal, 'CHECKED': State.checked, 'VOID': State.void, 'DRILLED': State.drilled,
}  # fmt: skip


def id_of(writer, counter):
    return writer + counter.to_bytes(8, 'big')


def listed(entry):
    return [(slot['id'], slot['epoch'], slot['digest']) for slot in entry['slots']]


def new_packs(n, entry):
    def pack(place, kind, counter, size, directory, digest):
        return Pack((n, place), id_of(entry['writer'], counter), kind, size, directory)

    return [pack(place, *fields) for place, fields in enumerate(entry['packs'])]


def tags_by_pack(entry):
    tags, at, found = records(entry['tags'], 16), 0, []
    for number, count in zip(pack_numbers(entry['packs']), varints(entry['counts']), strict=True):
        found.append((number, tags[at : at + count]))
        at += count
    if at != len(tags):
        raise Unreadable('tags')
    return found


def some(found):
    if not found:
        raise Unreadable('no pack')
    return found


def read_log(store, keys, repository, marker):
    state, before = State(), bytes(32)
    numbers = {int(name[4:]) for name in store.list('log') if re.fullmatch(r'log/\d{20}', name)}
    ordered = sorted(numbers | {-1})
    if not numbers or max(later - earlier for earlier, later in zip(ordered, ordered[1:])) > MAX_GAP + 1:
        raise Failure(DAMAGE, f'the log has {len(numbers)} entries, the last of them numbered {ordered[-1]}')
    for n in range(max(numbers) + 1):
        data = store.read(f'log/{n:020}', 0, MAX_ENTRY + 1) if n in numbers else b''
        data = data if len(data) <= MAX_ENTRY else b''
        opened = open_entry(keys, repository, n, data)
        if opened and before is not None and data[40:72] != before:
            raise Failure(DAMAGE, f'log entries {n - 1} and {n} belong to two histories')
        try:
            if opened is None:
                raise Unreadable('does not open')
            state.apply(n, *opened)
        except MISSHAPEN:
            state.lost[n] = sha256(data) if data else b''
        before = sha256(data) if opened else None
        check_slots(keys, state, so_far=True)
    refuse_features(state.features)
    if state.tag_algorithm is None:
        raise Failure(DAMAGE, 'log/00000000000000000000 does not open, and with it all is lost that tells true keys from false ones')
    if state.marker and state.marker != marker:
        raise Failure(DAMAGE, 'the marker is not the one that the log names')
    check_slots(keys, state)
    return state


def open_entry(keys, repository, n, data):
    """The entry's epoch and its map, or None when it does not open."""
    if len(data) < 72 or not is_start(data, b'KPIPELOG'):
        return None
    number, epoch, owner = struct.unpack_from('<QI16s', data, 12)
    if (number, owner) != (n, repository):
        return None
    try:
        return Opened(epoch, with_length(keys.open_entry(epoch, data[72:], data[:72])))
    except MISSHAPEN:
        return None


def check_slots(keys, state, so_far=False):
    """Roots hold only when the log lists the slot object that they came from, at its end at the latest."""
    digests = {(slot, epoch): digest for slot, epoch, digest in state.slots}
    for epoch, (slot, _) in keys.roots.items():
        if digests.get((slot.id, epoch), slot.digest) != slot.digest:
            raise Failure(DAMAGE, f'{slot.name} is not the object that the log lists')
        if so_far or (slot.id, epoch) in digests:
            continue
        own = any(slot.id == owner for owner, _ in digests)
        if state.lost and (epoch > state.epoch or not own):
            complain(f'{slot.name} is not listed in what is left of the log; who can write there may have forged what is of epoch {epoch}')
        elif own:
            raise Failure(DAMAGE, f'{slot.name} is not listed in the log')
        else:
            raise Failure(KEY, f'the log does not list the slot that opens with this {slot.kind}; it was removed')


# --- packs --------------------------------------------------------------------------------------------------------------------------------

Frame = namedtuple('Frame', 'offset lengths kind first ends digest')


def name_of(pack):
    return f'packs/{pack.id.hex()[-2:]}/{pack.id.hex()}'


def stored_bytes(pack, frame):
    return frame.lengths[-1] + (64 if pack.kind == 'M' else 0)


class Directory:
    def __init__(self, pack, found):
        self.pack, self.frames = pack, []
        lengths, chunk_lengths = iter(u32s(found['lengths'])), iter(u32s(found['chunk_lengths']))
        prefixes, first = records(found['prefixes'], 6), 0
        rows = zip(found['frame_kinds'], u32s(found['offsets']), u32s(found['chunk_counts']), records(found['digests'], 16), found['listed'], strict=True)
        for kind_index, offset, count, digest, is_listed in rows:
            kind = found['kinds'][kind_index]
            sizes = [next(lengths) for _ in range(1 + len(kind['codecs']))]
            within(len(kind['codecs']), 16)
            within(max(sizes), MAX_FRAME)
            within(first + count, len(prefixes))
            if is_listed:
                chunks = [next(chunk_lengths) for _ in range(count)]
            else:
                chunks = [kind['page_bytes']] * (count - 1)
                chunks.append(sizes[0] - sum(chunks))
            ends = [0]
            for size in chunks:
                ends.append(ends[-1] + size)
            if min(chunks) < 1 or ends[-1] != sizes[0]:
                raise Unreadable('chunks')
            self.frames.append(Frame(offset, sizes, kind, first, ends, digest))
            first += count
        if len(self.frames) != found['frames'] or found['class'] != pack.kind:
            raise Unreadable('frames')
        self.firsts = [frame.first for frame in self.frames]
        self.full = {int.from_bytes(row[:4], 'little'): row[4:] for row in records(found['full_tags'], 20)}
        self.chunks = defaultdict(list)
        for index, prefix in enumerate(prefixes):
            self.chunks[prefix].append(index)

    def find(self, tag):
        """The frame of a chunk and its place in it, or None."""
        for index in self.chunks.get(tag[:6], ()):
            if self.full.get(index, tag) == tag:
                frame = self.frames[bisect.bisect_right(self.firsts, index) - 1]
                return frame, index - frame.first
        return None


class Packs:
    def __init__(self, store, keys, repository):
        self.store, self.keys, self.repository, self.directories = store, keys, repository, {}

    def directory(self, pack):
        if pack.number not in self.directories:
            try:
                self.directories[pack.number] = Directory(pack, self.read_directory(pack))
            except MISSHAPEN:
                raise Failure(DAMAGE, f'{name_of(pack)} is damaged: its directory does not open') from None
        return self.directories[pack.number]

    def read_directory(self, pack):
        within(pack.bytes, MAX_PACK)
        header = self.store.read(name_of(pack), 0, 48)
        if not is_start(header, b'KPIPEPCK') or header[12:] != pack.kind.encode() + bytes(3) + pack.id + self.repository:
            raise Unreadable('header')
        end = self.store.read(name_of(pack), pack.bytes - 16 - pack.directory_bytes)
        size, epoch, magic = struct.unpack('<II8s', end[-16:])
        if magic != b'KPIPEEND' or size != pack.directory_bytes or len(end) != size + 16:
            raise Unreadable('footer')
        header += struct.pack('<I', epoch)
        return with_length(open_unit(self.keys.working(epoch, 'directory'), end[:-16], header))

    def frame(self, pack, frame):
        """The plain bytes of a frame."""
        try:
            stored = self.store.read(name_of(pack), frame.offset, stored_bytes(pack, frame))
            if sha256(stored)[:16] != frame.digest:
                raise Unreadable('digest')
            if pack.kind == 'M':
                return self.unit(pack, frame.offset, stored, frame.kind['epoch'])
            return self.decode(frame, stored)
        except MISSHAPEN as error:
            raise Failure(DAMAGE, f'{name_of(pack)} is damaged: its frame at {frame.offset} does not open ({error})') from None

    def unit(self, pack, offset, stored, epoch):
        """The plain bytes of a class M frame."""
        try:
            header = self.binding('M', epoch, []) + struct.pack('<II', len(stored) - 64, len(stored) - 64)
            return open_unit(self.keys.working(epoch, 'recipe'), stored, header)
        except MISSHAPEN:
            raise Failure(DAMAGE, f'{name_of(pack)} is damaged: its unit at {offset} does not open') from None

    def decode(self, frame, data):
        epoch, codecs = frame.kind['epoch'], frame.kind['codecs']
        for codec, plain_size, size in reversed(list(zip(codecs, frame.lengths, frame.lengths[1:]))):
            if len(data) != size:
                raise Unreadable('length')
            if codec['stage'] == '@kpipe/stage-compress':
                data = decompress(data, plain_size)
            elif codec['stage'] == '@kpipe/stage-seal':
                data = self.unseal(epoch, codecs, frame.lengths[0], plain_size, data)
            else:
                raise Failure(UNSUPPORTED, f'frames went through {codec["stage"]}, which this program cannot undo')
            if len(data) != plain_size:
                raise Unreadable('length')
        return data

    def unseal(self, epoch, codecs, frame_size, plain_size, data):
        def derive(label):
            return hkdf(self.keys.working(epoch, 'codecs'), data[:32], b'@kpipe/stage-seal/' + label, 32)

        if not hmac.compare_digest(derive(b'commitment')[:16], data[32:48]):
            raise Unreadable('another key')
        return open_gcm(derive(b'frame'), data[48:], self.binding('D', epoch, codecs) + struct.pack('<II', frame_size, plain_size))

    def binding(self, kind, epoch, codecs):
        bound = b'kpipe/frame\0' + struct.pack('<HBI', FORMAT, ord(kind), epoch) + self.repository + struct.pack('<H', len(codecs))
        for codec in codecs:
            name = f'{codec["stage"]}@{codec["version"]}'.encode()
            settings = json.dumps(codec['settings'], sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()
            bound += struct.pack('<H', len(name)) + name + struct.pack('<I', len(settings)) + settings
        return bound


# --- snapshots ----------------------------------------------------------------------------------------------------------------------------

Row = namedtuple('Row', 'tag pack length')


class Repository:
    def __init__(self, folder, kind, secret):
        self.store = Store(folder)
        self.id, marker = read_marker(self.store)
        self.keys = Keys(self.store, self.id, kind, secret)
        self.state = read_log(self.store, self.keys, self.id, marker)
        self.packs = Packs(self.store, self.keys, self.id)

    def find(self, text):
        found = [snapshot for snapshot in self.state.snapshots.values() if snapshot.id.hex().startswith(text.lower())]
        if not found:
            raise Failure(USAGE, f'no snapshot has an id that begins with {text}')
        if len(found) > 1:
            raise Failure(USAGE, f'{len(found)} snapshots have ids that begin with {text or "that"}')
        return found[0]

    def manifest(self, snapshot):
        try:
            return unpack(self.manifest_bytes(snapshot))
        except MISSHAPEN:
            raise Failure(DAMAGE, f'the manifest of snapshot {snapshot.id.hex()[:12]} is not readable') from None

    def manifest_bytes(self, snapshot):
        if isinstance(snapshot.manifest, bytes):
            return snapshot.manifest
        place = snapshot.manifest
        number = self.state.ids.get(snapshot.pack_id)
        if number in snapshot.packs:
            pack = self.state.packs[number]
            data = self.packs.unit(pack, place['offset'], self.store.read(name_of(pack), place['offset'], place['stored_bytes']), place['epoch'])
            if sha256(data) == snapshot.id:
                return data
        for number in self.state.replaced.get(snapshot.pack_id, ()):
            pack = self.state.packs[number]
            for frame in self.packs.directory(pack).frames if number in snapshot.packs else ():
                if stored_bytes(pack, frame) == place['stored_bytes'] and sha256(data := self.packs.frame(pack, frame)) == snapshot.id:
                    return data
        raise Failure(DAMAGE, f'the manifest of snapshot {snapshot.id.hex()[:12]} is lost')

    def part(self, snapshot, part, ids):
        """The rows of one recipe part: a full one, then the changes over it."""
        tag, steps, links = part['tag'], [], records(part['chain'], 14)
        within(len(links), MAX_LINKS)
        within(sum(int.from_bytes(link[6:10], 'little') for link in links), MAX_CHAIN)
        for link in links:
            index, *place = struct.unpack('<HIII', link)
            steps.append(unpack(self.part_bytes(snapshot, tag, ids[index], *place)))
            tag = steps[-1].get('base')
            if tag is None:
                break
        if tag is not None:
            raise Unreadable('its chain ends before a full part')
        rows, table = [], []
        for step in reversed(steps):
            table += records(step['table'], 16)
            runs = varints(step['pack_runs'])
            within(len(table), MAX_TABLE)
            within(max(step['count'], sum(runs[1::2])), 65_536)
            packs = [table[index] for index, run in zip(runs[::2], runs[1::2], strict=True) for _ in range(run)]
            lengths = u32s(step['lengths']) if step.get('lengths') else [None] * len(packs)
            listed_rows = map(Row, records(step['tags'], 16), packs, lengths)
            rows = rows[: step['count']] + [None] * (step['count'] - len(rows))
            position = -1
            gaps = varints(step['positions']) if 'base' in step else [0] * len(packs)
            for gap, row in zip(gaps, listed_rows, strict=True):
                position += 1 + gap
                rows[position] = row
        if None in rows or len(rows) != part['count']:
            raise Unreadable('it lacks chunks')
        return rows

    def part_bytes(self, snapshot, tag, pack_id, offset, size, epoch):
        for pack in self.state.places(snapshot, tag, pack_id):
            if pack.id == pack_id:
                data = self.packs.unit(pack, offset, self.store.read(name_of(pack), offset, size), epoch)
            else:
                found = self.packs.directory(pack).find(tag)
                data = found and self.packs.frame(pack, found[0])
            if data and self.keys.tag(data) == tag:
                return data
        raise Unreadable(f'part {tag.hex()} was not found')

    def rows(self, snapshot, manifest, stream):
        try:
            within(stream['chunks'], MAX_CHUNKS)
            ids = records(manifest['recipe_packs'], 16)
            rows = [row for part in stream['parts'] for row in self.part(snapshot, part, ids)]
            if len(rows) != stream['chunks']:
                raise Unreadable('it has another number of chunks')
            return rows
        except MISSHAPEN as error:
            raise Failure(DAMAGE, f'the recipe of snapshot {snapshot.id.hex()[:12]} is not readable: {error}') from None

    def stream(self, snapshot, attachment):
        """The manifest of a snapshot and its first stream, or that of an attachment."""
        manifest = self.manifest(snapshot)
        first, *attachments = manifest['streams']
        found = [first] if attachment is None else [stream for stream in attachments if stream['name'] == attachment]
        if not found:
            raise Failure(USAGE, f'snapshot {snapshot.id.hex()[:12]} has no attachment {attachment}')
        return manifest, found[0]

    def restore(self, snapshot, file, attachment=None):
        """Writes a stream of a snapshot into an open file: each frame is read once, then all of the file for its digest."""
        manifest, stream = self.stream(snapshot, attachment)
        wanted, start = defaultdict(list), 0
        for row in self.rows(snapshot, manifest, stream):
            size = row.length if row.length is not None else min(stream['page_bytes'], stream['bytes'] - start)
            pack, frame, place = self.chunk(snapshot, row)
            wanted[pack.number, frame.offset].append((pack, frame, place, row.tag, start, size))
            start += size
        for chunks in wanted.values():
            pack, frame, *_ = chunks[0]
            plain = self.packs.frame(pack, frame)
            for _, _, place, tag, at, size in chunks:
                data = plain[frame.ends[place] : frame.ends[place + 1]]
                if len(data) != size or (self.state.tag_algorithm == 'sha256' and self.keys.tag(data) != tag):
                    raise Failure(DAMAGE, f'{name_of(pack)} is damaged: chunk {tag.hex()} is not in its frame at {frame.offset}')
                file.seek(at)
                file.write(data)
        file.seek(0)
        digest, size = hashlib.sha256(), 0
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
        if size != stream['bytes'] or digest.digest() != stream['digest']:
            raise Failure(DAMAGE, f'what was restored of snapshot {snapshot.id.hex()[:12]} does not have the digest of its stream')
        return size

    def chunk(self, snapshot, row):
        for pack in self.state.places(snapshot, row.tag, row.pack):
            found = self.packs.directory(pack).find(row.tag)
            if found:
                return pack, *found
        raise Failure(DAMAGE, f'a chunk of snapshot {snapshot.id.hex()[:12]} is in none of its packs: it was stored in {row.pack.hex()}')


# --- commands -----------------------------------------------------------------------------------------------------------------------------


class Arguments(argparse.ArgumentParser):
    def error(self, message):
        raise Failure(USAGE, message)


def visible(text):
    """Text of strangers, without what a terminal would act on."""
    return ''.join(letter if letter.isprintable() else '\ufffd' for letter in str(text))


def complain(sentence):
    print(f'kpipe_reader: {visible(sentence)}', file=sys.stderr)


def secret_of(arguments):
    kind, path = next((kind, path) for kind in KINDS.values() if (path := getattr(arguments, kind)))
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read()
    except (OSError, UnicodeError) as error:
        raise Failure(KEY, f'{path} cannot be read: {error}') from None
    return kind, {'key-file': read_key_file, 'recovery-phrase': read_phrase, 'password': lambda line: line.rstrip('\r\n')}[kind](text)


def list_snapshots(repository, arguments):
    for snapshot in repository.state.snapshots.values():
        manifest = repository.manifest(snapshot)
        time = datetime.fromtimestamp(manifest['time'] / 1000, timezone.utc).isoformat(timespec='seconds')
        print(snapshot.id.hex(), time, manifest['streams'][0]['bytes'], visible(manifest['name']), visible(manifest['member']) or '-', sep='\t')


def list_attachments(repository, arguments):
    for stream in repository.manifest(repository.find(arguments.snapshot))['streams'][1:]:
        print(stream['bytes'], visible(stream['name']), sep='\t')


def restore_snapshot(repository, arguments):
    snapshot, draft = repository.find(arguments.snapshot), f'{arguments.to}.part'
    if os.path.lexists(arguments.to):
        raise Failure(USAGE, f'{arguments.to} is there already')
    try:
        with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), 'r+b') as file:
            size = repository.restore(snapshot, file, arguments.attachment)
        os.rename(draft, arguments.to)
    finally:
        if os.path.exists(draft):
            os.remove(draft)
    print(f'restored snapshot {snapshot.id.hex()}: {size} bytes in {arguments.to}')


def main():
    parser = Arguments(prog='kpipe_reader', description='Lists and restores what a kpipe repository holds.')
    commands = parser.add_subparsers(required=True)
    for name, run in [('list', list_snapshots), ('attachments', list_attachments), ('restore', restore_snapshot)]:
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument('store', help='folder of the repository')
        if name != 'list':
            command.add_argument('snapshot', help='id, or its beginning')
        if name == 'restore':
            command.add_argument('-to', required=True, metavar='FILE', help='file to make')
            command.add_argument('--attachment', metavar='NAME', help='a file that was stored with the snapshot, instead of its database')
        secret = command.add_mutually_exclusive_group(required=True)
        secret.add_argument('--key-file', dest='key-file', metavar='FILE')
        secret.add_argument('--phrase-file', dest='recovery-phrase', metavar='FILE')
        secret.add_argument('--password-file', dest='password', metavar='FILE')
    try:
        arguments = parser.parse_args()
        repository = Repository(arguments.store, *secret_of(arguments))
        if repository.state.tag_algorithm != 'sha256':
            complain(f'tags of chunks are not checked here, being {repository.state.tag_algorithm}; the digest of each stream is')
        arguments.run(repository, arguments)
    except Failure as failure:
        complain(failure)
        return failure.code
    except OSError as error:
        complain(f'{error.filename}: {error.strerror}')
        return STORAGE
    for n in repository.state.lost:
        complain(f'log entry {n} is lost: a snapshot may be missing here, or one may be here that was forgotten')
    return ATTENTION if repository.state.lost else 0


if __name__ == '__main__':
    sys.exit(main())
