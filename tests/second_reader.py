#!/usr/bin/env python3
"""A second reader of Sealog stores, written from docs/format.md, docs/segment.md and docs/integrity.md alone.

It shares nothing with the engine, so it shows whether the pages say enough: a reader that knows only them must find the
same entries, hashes and damage. "F:" and "I:" below name sections of format.md and integrity.md.

    second_reader.py STORE_DIR             verify a store: one JSON object; exit 0 valid, 1 not valid, 3 cannot read
    second_reader.py --entries STORE_DIR   the committed entries as NDJSON in the total order, in the form of entry.md
    second_reader.py --vectors             check the vectors printed in both pages

`directory_root` and `directory_rows` are those of all that was read, control chain included: what the next heads would
state. The directory of each heads in the store is checked as well, as of the frame before it.
"""
import datetime, hashlib, json, re, struct, sys, zlib
from pathlib import Path

import second_segment

CONTROL = b"sealog.control"

class Refused(ValueError):
    """Bytes that a reader refuses."""

class CannotRead(Exception):
    """There is no store, or it is of another version."""

# ---- I: Notation, Trees ----------------------------------------------------------------------------------------------

sha256 = hashlib.sha256

def H(data):
    return sha256(data).digest()

def grow(peaks, size, leaf):
    """Adds a leaf to a tree of `size` leaves. `peaks` are the roots of its full subtrees, one for each one-bit of the
    size, largest first; two of the same level join."""
    while size & 1:
        leaf = H(b"\1" + peaks.pop() + leaf)
        size >>= 1
    peaks.append(leaf)

def root_of(peaks):
    """Taken from the right: each larger subtree becomes the left child."""
    root = peaks[-1] if peaks else H(b"")
    for peak in reversed(peaks[:-1]):
        root = H(b"\1" + peak + root)
    return root

def tree(leaves):
    peaks = []
    for size, leaf in enumerate(leaves):
        grow(peaks, size, leaf)
    return root_of(peaks)

def rfc3339(ns):
    seconds, fraction = divmod(ns, 1_000_000_000)
    moment = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    return f"{moment.isoformat()}.{fraction:09d}Z"

# ---- F: STORE --------------------------------------------------------------------------------------------------------

STORE = re.compile(rb"sealog store\nversion (0|[1-9][0-9]*)\nname ([A-Za-z0-9.-]+(?:/[A-Za-z0-9._-]+)*)\n"
                   rb"id ([0-9a-f]{32})\ncreated (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z\n")

def read_store(text):
    """Name, id, and whether the file is intact. Without five lines of the right form there is nothing to go on with."""
    lines = STORE.match(text)
    if not lines or len(lines[2]) > 128 or len(text) > 4096:
        raise Refused("checksum: STORE does not read")
    try:
        created = datetime.datetime.fromisoformat(lines[4].decode()) - datetime.datetime(1970, 1, 1)
    except ValueError:
        created = datetime.timedelta.max
    if not -1 << 63 <= created // datetime.timedelta(seconds=1) * 1_000_000_000 + int(lines[5]) < 1 << 63:
        raise Refused("checksum: STORE was created at a time that does not exist, or that no i64 holds")
    intact = text == lines[0] + b"crc32 %08x\n" % zlib.crc32(lines[0])
    if intact and lines[1] != b"1":
        raise CannotRead("STORE has another version")
    return lines[2], bytes.fromhex(lines[3].decode()), intact

# ---- F: Journal file, and "Reading a journal: torn tail or damage" ---------------------------------------------------

FILE_HEADER = struct.Struct("<8sII16sQQ8s4sI")
FRAME_HEADER = struct.Struct("<4sB3sQQqQIIIIII")

def file_header(raw, number, store_id=None):
    """(store_id, first_frame, nonce, trimmed), or None, of each of the two copies."""
    copies = []
    for copy in (raw[:64], raw[64:128]):
        magic, version, trimmed, store, journal, first, nonce, zero, crc = FILE_HEADER.unpack(copy.ljust(64, b"\0"))
        good = (magic == b"SLGJRNL1" and version == 1 and zero == bytes(4) and trimmed < journal == number
                and crc == zlib.crc32(copy[:60]) and store_id in (None, store) and len(copy) == 64)
        copies.append((store, first, nonce, trimmed) if good else None)
    return copies

def frame_header(data, o, seed):
    """The fields if a header decodes at `o`, else None; and whether a right magic and CRC stand there."""
    if o + 64 > len(data) or data[o:o + 4] != b"SLGF" or o % 8:
        return None, False
    fields = FRAME_HEADER.unpack_from(data, o)
    _, kind, zero, number, durable, _, offset, length, _, _, _, zero2, crc = fields
    if crc != zlib.crc32(data[o:o + 60], seed):
        return None, False
    good = (kind in (1, 2, 3) and number and zero == bytes(3) and not zero2 and offset == o and durable < number
            and length <= 33_554_432)
    return fields if good else None, True

class Journal:
    """Finds the frames. `note` is called with each damage; `lost` is set once frames are gone."""

    def __init__(self, files, store_id, note):
        self.files, self.store_id, self.note = files, store_id, note  # [(number, name, function that reads)] in order
        self.expected, self.torn_bytes, self.damaged, self.lost = 1, 0, False, False
        # F: Which files are needed.
        said = [copy for number, _, read in files[-2:] for copy in file_header(read(128), number, store_id) if copy]
        self.trimmed = max((copy[3] for copy in said), default=0)
        self.files = [file for file in files if file[0] > self.trimmed]
        if self.trimmed and self.files:
            first = [copy for copy in file_header(self.files[0][2](128), self.files[0][0], store_id) if copy]
            self.expected = first[0][1] if first else 1

    def damage(self, place, why, next_frame=0, kind="checksum"):
        """Frames up to `next_frame` are lost with it."""
        if next_frame > self.expected:
            why += f"; frames {self.expected} to {next_frame - 1} are lost"
            self.expected, self.lost = next_frame, True
        self.damaged = True
        self.note(f"{kind}: {place[0]}: bytes {place[1]} to {place[2]}: {why}")

    def frames(self):
        """Yields ((file, begin, end), header's fields, payload) of each frame that reads and is due."""
        expected_file = self.trimmed + 1
        for index, (number, name, read) in enumerate(self.files):
            last, data = index + 1 == len(self.files), read()
            # Begin a file, rule 1: it was being begun when a crash came.
            begun = len(data) >= 128 and any(data[:128]) or data[128:].strip(b"\0")
            if last and number == expected_file and not begun:
                self.torn_bytes = len(data) if len(data) < 128 and any(data) else 0
                return
            copies, vouched = file_header(data, number), 0
            for at, copy in zip((0, 64), copies):
                if not copy:
                    self.damage((name, at, at + 64), "a copy of the file header is not good")
            if not last:  # first_frame of the next file, if a copy of its header is good
                following, _, read_following = self.files[index + 1]
                good = [copy for copy in file_header(read_following(128), following, self.store_id) if copy]
                vouched = good[0][1] if good else 0
            due, expected_file = expected_file, number + 1
            header = copies[0] or copies[1]
            if not header:  # rule 2
                self.lost = True
                self.damage((name, 128, len(data)), "no frame can be checked without the nonce", vouched)
                continue
            store_id, first, nonce, _ = header
            if store_id != self.store_id:  # rule 3
                self.lost = True
                self.damage((name, 0, len(data)), "the file is of another store", kind="foreign")
                continue
            if first != self.expected or number != due:  # rule 4
                self.damage((name, 0, 128), f"frame {self.expected} was due, not frame {first}", first)
            yield from self.frames_of(name, data, zlib.crc32(nonce), vouched, last)

    def frames_of(self, name, data, seed, vouched, last):
        o, size, used = 128, len(data), len(data.rstrip(b"\0"))  # used: behind the last byte that is not zero
        while True:
            if o == size or size - o >= 64 and used <= o:  # rule 1: the file ends here
                if self.expected < vouched:
                    self.damage((name, o, size), "the next file begins later", vouched)
                return
            header, sealed = frame_header(data, o, seed)
            # What a crash can tear is a frame's payload, or all of it: a header is written whole or does not read.
            may_be_torn, search, why = not sealed, o + 8, "no frame header"
            if header:
                _, kind, _, number, _, _, _, length, payload_crc, parts, entries, _, _ = header
                end = o + (64 + length + 7) // 8 * 8
                payload = data[o + 64:o + 64 + length]
                if end > size:
                    may_be_torn, why = True, "the file ends inside a frame"
                elif (payload_crc != zlib.crc32(payload, zlib.crc32(struct.pack("<Q", number), seed))
                      or any(data[o + 64 + length:end]) or bool(parts) != (kind != 2) or bool(entries) != (kind != 2)
                      or kind == 2 and length):
                    may_be_torn, search, why = True, end, "payload, padding or counts of a frame are wrong"
                elif number == self.expected:  # rule 2
                    self.expected += 1
                    yield (name, o, end), header, payload
                    o = end
                    continue
                else:
                    search, why = (o if number > self.expected else end), f"frame {self.expected} was due"
            # Rules 3 and 4: resynchronise.
            nearest, at = None, data.find(b"SLGF", search)
            while at >= 0 and not (nearest and (self.expected < vouched or not may_be_torn)):
                found, _ = frame_header(data, at, seed)
                if found and found[3] >= self.expected:
                    nearest, vouched = nearest or (at, found[3]), max(vouched, found[4] + 1)
                at = data.find(b"SLGF", at + 1)
            if not may_be_torn or self.expected < vouched:  # rule 5
                if nearest:
                    self.damage((name, o, nearest[0]), why, nearest[1])
                    o = nearest[0]
                    continue
                self.damage((name, o, size), why, vouched)
            elif not last:  # rule 6
                self.damage((name, o, size), why)
            else:  # rule 7
                self.torn_bytes = max(0, used - o)
            return

# ---- F: Payload of a commit frame ------------------------------------------------------------------------------------

def parse_payload(payload, part_count, entry_count, carried=None):
    """The parts: (service, kind, first_seq, prev, new lines, salt keys, rows, leaves, records). Of a carry frame,
    `carried` gets the commit time of each."""
    size, pos, parts = len(payload), 0, []
    def need(condition):
        if not condition:
            raise Refused("the payload is not of the form of a commit")
    def take(n):
        nonlocal pos
        pos += n
        need(pos <= size)
        return payload[pos - n:pos]
    def number(width):
        return int.from_bytes(take(width), "little")
    def short():
        text = take(number(1))
        need(1 <= len(text) <= 128 and text.decode())  # UnicodeDecodeError is a ValueError, as Refused is
        return text
    def count(width):  # F: Bounds
        n = number(4)
        need(n * width <= size - pos)
        return n

    for _ in range(part_count):
        if carried is not None:
            carried.append(struct.unpack("<q", take(8))[0])
        service, kind, line_count, key_count, entries = short(), number(1), count(22), count(36), count(41)
        first_seq, prev = number(8), take(32)
        need(1 <= entries <= entry_count and first_seq + entries < 1 << 64)
        entry_count -= entries
        need(not parts or service >= parts[-1][0])
        lines = [(number(4), take(16), short()) for _ in range(line_count)]
        keys = [(number(4), take(32)) for _ in range(key_count)]
        rows, leaves = list(struct.iter_unpack("<II", take(8 * entries))), take(32 * entries)
        need(all(1 <= length <= 262_144 for length, _ in rows))
        parts.append((service, kind, first_seq, prev, lines, keys, rows, leaves, [take(length) for length, _ in rows]))
    need(entry_count == 0)
    for _ in range(count(36) if carried is None else 0):  # batch keys, of which only the shape can be checked
        take(32)
        for _ in range(count(16)):
            part, first, entries = number(4), number(8), number(4)
            need(part < part_count)
            need(parts[part][2] <= first and first + entries <= parts[part][2] + len(parts[part][6]))
    need(pos == size)
    return parts

# ---- F: Record -------------------------------------------------------------------------------------------------------

# Each key: what it takes (a CBOR major type, or a name for more than that), and its place in the JSON form of entry.md.
FIELDS = {0: (0, None), 2: (0, "tenant_seq"), 3: (3, "id"), 4: (3, "logged_by"), 10: (3, "tenant"),
          11: (3, "organization"), 12: (3, "service"), 13: ("time", "generated_at"), 14: (0, "severity"),
          15: (3, "activity"), 16: (3, "actor.type"), 17: (3, "actor.id"), 18: (3, "actor.name"),
          19: (3, "on_behalf_of"), 20: (3, "object.id"), 21: (3, "object.name"), 22: (3, "request_id"),
          23: (3, "configuration_id"), 24: ("bool", "success"), 25: (3, "message"), 26: ("time", "started"),
          27: ("time", "finished"), 28: (3, "process.id"), 29: (3, "process.parent"), 30: (0, "process.event"),
          31: ("hash", "artifact.sha256"), 32: (3, "artifact.name"), 33: (3, "artifact.media_type"),
          34: (0, "artifact.size"), 35: ("map", "attributes"), 36: ("bool", None), 40: ("any", None)}
SEVERITY = (None, "trace", "debug", "information", "warning", "error", "fatal")
EVENT = (None, "started", "message", "finished", "failed", "cancel_requested", "cancelled")

def head(b, i):
    """(major type, argument, place behind) in the shortest, definite form."""
    n, end = b[i] & 31, i + 1
    if n > 23:
        if n > 27:
            raise Refused("an indefinite length")
        end = i + 1 + (1 << n - 24)
        short, n = (24, 1 << 8, 1 << 16, 1 << 32)[n - 24], int.from_bytes(b[i + 1:end], "big")
        if n < short or end > len(b):
            raise Refused("not the shortest form")
    return b[i] >> 5, n, end

def item(b, i, level=1):
    """(major type, value, place behind). Texts stay bytes; an array is a list of (major type, value), a map one of
    twice its pairs."""
    if level > 8:
        raise Refused("too many levels")
    if b[i] in (0xF4, 0xF5, 0xF6):
        return 7, (False, True, None)[b[i] - 0xF4], i + 1
    major, n, i = head(b, i)
    if major < 2:
        return major, (-1 - n if major else n), i
    if n > len(b) - i or major > 5:
        raise Refused("a length beyond the end, a tag, or a float")
    if major < 4:
        return major, b[i:i + n], i + n
    items = []
    for _ in range(n * (major - 3)):
        kind, value, i = item(b, i, level + 1)
        items.append((kind, value))
    return major, items, i

def decode_record(b):
    """The record as {key: value}, or Refused (or another ValueError): F, "A reader refuses"."""
    out, last = {}, -1
    def need(condition, what):
        if not condition:
            raise Refused(what)
    try:
        major, pairs, i = head(b, 0)
        need(major == 5, "not a map")
        for _ in range(pairs):
            key = b[i]
            i += 1
            if key == 24:
                key = b[i]
                i += 1
                need(key > 23, "a key that is not in its shortest form")
            kind = FIELDS.get(key, (None,))[0]
            need(key > last and kind is not None and (key < 24 or b[i - 2] == 24), "a key out of order, or unknown")
            last = key
            n = b[i] - 0x60
            if kind == 3 and 0 < n < 24 and i + n < len(b):  # short texts, written out for speed
                out[key], i = b[i + 1:i + 1 + n].decode(), i + 1 + n
                continue
            major, value, i = item(b, i)
            if kind == 3:
                need(major == 3 and value, "not a text, or an empty one")
                value = value.decode()
            elif kind == 0:
                need(major == 0, "not an unsigned integer")
            elif kind == "time":
                need(major < 2 and -1 << 63 <= value < 1 << 63, "not an i64")
            elif kind == "bool":
                need(major == 7 and value is not None and (value or key != 36), "not a boolean, or not true")
            elif kind == "hash":
                need(major == 2 and len(value) == 32, "not 32 bytes")
            elif kind == "map":
                need(major == 5 and 2 <= len(value) <= 128, "no attributes, or too many")
                need(all(major == 3 and text for major, text in value), "an attribute that is no text, or empty")
                names = [(len(text), text) for _, text in value[::2]]
                need(all(a < b for a, b in zip(names, names[1:])), "attributes out of order")
                value = {name.decode(): text.decode() for (_, name), (_, text) in zip(value[::2], value[1::2])}
            out[key] = value
    except IndexError:
        raise Refused("the record ends early") from None
    need(i == len(b), "bytes behind the map")
    need(out.get(0) == 1 and all(key in out for key in (2, 4, 10, 12, 15)), "another version, or a missing key")
    need((14 in out) != (40 in out) and 1 <= out.get(14, 1) <= 6, "key 14 or key 40")
    need(28 in out or not (29 in out or 30 in out), "a process without its id")
    need(28 not in out or 1 <= out.get(30, 0) <= 6, "a process without an event")
    need(31 in out or not (32 in out or 33 in out or 34 in out or 36 in out), "an artifact without its hash")
    return out

def heads_of(record):
    """F: Control maps, kind 4: (directory root, rows, [(service, size, leaf)])."""
    def need(condition):
        if not condition:
            raise Refused("not the map of a heads")
    control = record.get(40)
    need(isinstance(control, list) and [kind for kind, _ in control] == [0, 2, 0, 0, 0, 4])
    (_, one), (_, root), (_, two), (_, rows), (_, three), (_, array) = control
    need((one, two, three) == (1, 2, 3) and len(root) == 32 and len(array) <= 1000)
    chains = []
    for major, chain in array:
        need(major == 4 and [kind for kind, _ in chain] == [3, 0, 2] and len(chain[2][1]) == 32)
        chains.append(tuple(value for _, value in chain))
        need(chain[0][1].decode())
    return root, rows, chains

def check_clock(record):
    """F: Control maps, kind 6: two i64."""
    control = record.get(40)
    if not (isinstance(control, list) and [major in (0, 1) and value for major, value in control[::2]] == [1, 2]
            and all(major in (0, 1) and -1 << 63 <= value < 1 << 63 for major, value in control[1::2])):
        raise Refused("not the map of a clock entry")

def flat(record, seq, logged_at):
    """entry.md: the flat JSON form."""
    entry = {"seq": seq, "logged_at": rfc3339(logged_at)}
    for key, value in record.items():
        kind, name = FIELDS[key]
        if name:
            value = (rfc3339(value) if kind == "time" else value.hex() if kind == "hash" else
                     SEVERITY[value] if key == 14 else EVENT[value] if key == 30 else value)
            outer, _, inner = name.partition(".")
            if inner:
                entry.setdefault(outer, {})[inner] = value
            else:
                entry[name] = value
    return entry

# ---- I: What verify does ---------------------------------------------------------------------------------------------

class Line:
    def __init__(self, chain, nonce, tenant):
        self.chain, self.tenant, self.key, self.size = chain, tenant.decode(), None, 0
        self.id = H(b"sealog line id v1\n" + nonce + chain.id + tenant)[:16]
        self.digest = H(b"sealog line v1\n" + chain.id + self.id)
        self.begun, self.holes = False, 0  # has a slot; holes of its chain that an entry of it has been seen behind

    def row(self):
        return b"SLGD\1" + self.chain.id + self.id + struct.pack(">Q", self.size) + self.digest

class Chain:
    def __init__(self, store_name, store_id, service):
        self.service, self.origin = service.decode(), store_name + b"/" + service
        self.id = H(b"sealog chain v1\n" + self.origin)[:16]
        self.leaf = H(b"sealog genesis v1\n" + store_id + self.origin)  # the newest leaf; genesis if there is none
        self.size, self.peaks, self.lines, self.tenants, self.holes, self.times = 0, [], {}, set(), 0, []

    def row(self):
        return b"SLGD\0" + self.id + bytes(16) + struct.pack(">Q", self.size) + root_of(self.peaks)

def skeleton(kind, chain_id, seq, logged_at, prev, body):
    return b"SLG1" + bytes([kind, 0, 0, 0]) + chain_id + struct.pack(">Qq", seq, logged_at) + prev + body

def cut(part, begin, end):
    """The entries of a part from the position `begin` to `end`, with the lines that begin among them."""
    service, kind, seq, prev, lines, keys, rows, leaves, records = part
    low, high = begin - seq, end - seq
    earlier = {line for _, line in rows[:low]}
    lines = [line for line in lines if line[0] not in earlier and any(own == line[0] for _, own in rows[low:high])]
    prev = leaves[32 * low - 32:32 * low] if low else prev
    return service, kind, begin, prev, lines, keys, rows[low:high], leaves[32 * low:32 * high], records[low:high]

class Sealed:
    """A chain's segments: I, Sealed segments, by itself and joined."""

    def __init__(self, verifier, service, files):
        self.service, self.problem = service.encode(), lambda text: verifier.problem(text)
        self.rows, self.lines, self.slots, self.end = {}, {}, {}, 0  # rows: seq to (kind, time, line, leaf, record, K)
        chain, hole = Chain(verifier.name, verifier.store_id, self.service), False
        self.tables, self.head, edge, self.slot = [], chain.leaf, [], None
        for first, name, data in files:
            try:
                segment = second_segment.read_footer(data)
                if (segment.store_id, segment.chain_id, segment.first) != (verifier.store_id, chain.id, first):
                    self.problem(f"foreign: {name}: of another store, chain or position")
                    continue
                if segment.end <= self.end:
                    continue  # dead
                segment = second_segment.read(data)
            except (ValueError, IndexError) as why:
                self.problem(f"checksum: {name}: {why}")
                continue
            if first < self.end:
                self.problem(f"duplicate: {name}: it begins inside the one before")
                continue
            hole |= first > self.end
            if first > self.end:
                self.problem(f"segment_missing: {name}: entries {self.end} to {first - 1} are in no segment")
            elif (segment.prev, segment.opening) != (self.head, edge):
                self.problem(f"altered: {name}: it goes on from another leaf or tree")
            for why in second_segment.check(segment):
                self.problem(f"{why} ({name})")
            self.join(name, segment, hole, chain)
            self.end, self.head, edge = segment.end, segment.head, segment.closing
        self.has_hole = hole

    def join(self, name, segment, hole, chain):
        if self.slot not in (None, segment.slot):
            self.problem(f"altered: {name}: another slot of the chain")
        self.slot = segment.slot
        for tenant, number, slot, nonce, opening, closing, keys in segment.tenants:
            known = self.lines.get(number)
            line = Line(chain, nonce, tenant)
            wanted = known and known[1] or ((0, line.digest) if not hole else opening)
            if opening != wanted and not hole:
                self.problem(f"{'altered' if opening[0] == wanted[0] else 'tenant_gap'}: {name}: {tenant!r} goes on elsewhere")
            if known and known[0] != (tenant, nonce, slot):
                self.problem(f"altered: {name}: another name, nonce or slot of line {number}")
            self.lines[number] = (tenant, nonce, slot), closing
            self.slots[number] = slot
        if len(self.lines) != segment.line_count and not hole:
            self.problem(f"index: {name}: {segment.line_count} lines, {len(self.lines)} are known")
        for index, (row, leaf, key) in enumerate(zip(segment.rows, segment.leaves, segment.keys)):
            kind, time, tenant, _, record = row
            own = segment.tenants[tenant]
            prev = segment.leaves[index - 1] if index else segment.prev
            self.rows[segment.first + index] = kind, time, own, leaf, record, key, prev

    def commits(self):
        """{commit time: [part]}, as if they stood in the journal."""
        found, begun, last, keys = {}, set(), None, {}
        for seq, (kind, time, own, leaf, record, key, prev) in sorted(self.rows.items()):
            tenant, number, _, nonce, opening, _, _ = own
            if last != (time, kind, seq):
                part = [self.service, kind, seq, prev, [], [], [], b"", []]
                found.setdefault(time, []).append(part)
            if number not in begun:
                begun.add(number)
                part[4].append((number, nonce, tenant, opening))
            if keys.get(number) != key:
                # A part has one key for a line: another begins another part.
                if any(line == number for _, line in part[6]):
                    part = [self.service, kind, seq, prev, [], [], [], b"", []]
                    found[time].append(part)
                keys[number] = key
                part[5].append((number, key))
            part[6].append((len(record), number))
            part[7] += leaf
            part[8].append(record)
            last = time, kind, seq + 1
        return found

    def check_copy(self, part, logged_at):
        """What the journal still holds of them is theirs."""
        service, kind, seq, _, lines, keys, rows, leaves, records = part
        names = {number: own[0] for number, own in self.lines.items()}
        for number, nonce, tenant in lines:
            if number in names and names[number][:2] != (tenant, nonce):
                self.problem(f"altered: {service.decode()}: line {number} is another in the journal")
        for index, record in enumerate(records):
            sealed = self.rows.get(seq + index)
            leaf = leaves[32 * index:32 * index + 32]
            if sealed and (sealed[0], sealed[1], sealed[2][1], sealed[3], sealed[4]) != (
                    kind, logged_at, rows[index][1], leaf, record):
                self.problem(f"altered: {service.decode()}: entry {seq + index} is another in the journal")

class Verifier:
    def __init__(self, store, files, strange=(), segments=None):
        self.name, self.store_id, intact = store
        self.problems, self.chains, self.slots, self.time, self.missed = [], {}, [], None, set()
        self.journal = Journal(files, self.store_id, self.problem)
        if not intact:
            self.problem("checksum: STORE is damaged, and its lines still read")
        for path in strange:
            self.problem(f"checksum: {path}: no name of a journal file")
        self.sealed = {name.encode(): Sealed(self, name, own) for name, own in sorted((segments or {}).items())}

    def problem(self, text):
        if len(self.problems) < 1000:
            self.problems.append(text)

    def frames(self):
        """(frame, commit times, parts) of each frame that has entries: a commit has one time. A payload of another form
        loses the frame."""
        for place, header, payload in self.journal.frames():
            if header[1] != 2:
                carried = [] if header[1] == 3 else None
                try:
                    parts = parse_payload(payload, header[9], header[10], carried)
                    yield header, carried or [header[5]] * len(parts), parts
                except ValueError as why:
                    self.journal.lost = True
                    self.journal.damage(place, f"{why}; frame {header[3]} is lost")

    def commits(self):
        """(commit time, parts, what the journal had lost by then) in the order of commits: what is sealed, and what was
        carried, stands where its commit time puts it; of what lies in two places one is left out."""
        frames = [(*frame, (self.journal.lost, self.journal.damaged)) for frame in self.frames()]
        before, there, elsewhere, time = (False, False), {}, {}, None
        for service, sealed in self.sealed.items():
            for logged_at, parts in sealed.commits().items():
                elsewhere.setdefault(logged_at, []).extend(parts)
        for header, _, parts, _ in frames:
            if header[1] == 1:
                for part in parts:
                    there.setdefault(part[0], set()).update(range(part[2], part[2] + len(part[6])))
        for header, logged, parts, _ in frames:
            for logged_at, part in zip(logged, parts) if header[1] == 3 else ():
                self.copy(part, logged_at)
                own = there.setdefault(part[0], set())
                known = self.sealed[part[0]].end if part[0] in self.sealed else 0
                fresh = [seq for seq in range(part[2], part[2] + len(part[6])) if seq not in own and seq >= known]
                if fresh:
                    elsewhere.setdefault(logged_at, []).append(cut(part, fresh[0], fresh[-1] + 1))
                    own.update(fresh)
        waiting = sorted(elsewhere)
        for header, _, parts, lost in frames:
            if header[1] != 1:
                continue
            while waiting and waiting[0] < header[5]:
                at = waiting.pop(0)
                yield at, sorted(elsewhere[at], key=lambda part: (part[0], part[2])), before
            if time is not None and header[5] <= time:
                self.problem(f"time: frame {header[3]} was not committed after the one before")
            own, time = [], header[5]
            for part in parts:
                self.copy(part, header[5])
                known = self.sealed[part[0]].end if part[0] in self.sealed else 0
                if part[2] + len(part[6]) > known:
                    own.append(cut(part, known, part[2] + len(part[6])) if part[2] < known else part)
            if waiting and waiting[0] == header[5]:
                own = sorted(own + elsewhere[waiting.pop(0)], key=lambda part: (part[0], part[2]))
            yield header[5], own, lost
            before = lost
        for at in waiting:
            yield at, sorted(elsewhere[at], key=lambda part: (part[0], part[2])), before

    def copy(self, part, logged_at):
        if part[0] in self.sealed:
            self.sealed[part[0]].check_copy(part, logged_at)

    def run(self):
        for logged_at, parts, lost in self.commits():
            at_end = self.journal.lost, self.journal.damaged
            self.journal.lost, self.journal.damaged = lost
            for part in parts:
                if part[1] == 4:
                    self.heads(part[8], len(parts))
            for part in parts:
                self.part(part, logged_at)
            self.journal.lost, self.journal.damaged = at_end
        for service, sealed in self.sealed.items():
            chain = self.chains.get(service)
            if chain and self.directory():
                slots = {number: self.slots.index(chain.lines[number]) for number in sealed.slots}
                if (self.slots.index(chain), slots) != (sealed.slot, sealed.slots):
                    self.problem(f"altered: {chain.service}: other slots of the directory than its segments say")
        return self

    def part(self, part, logged_at):
        """Steps 5 and 6."""
        service, kind, seq, prev, new_lines, keys, rows, leaves, records = part
        chain = self.chains.get(service)
        if not chain:
            chain = self.chains[service] = Chain(self.name, self.store_id, service)
            self.slots.append(chain)
            chain.holes += service in self.missed
        where, lines, peaks, new, problem = chain.service, chain.lines, chain.peaks, sha256, self.problem
        for number, nonce, tenant, *opening in new_lines:
            if number in lines or tenant in chain.tenants:
                problem(f"duplicate: {where}: line {number} begins twice")
                continue
            if number != len(lines) and not self.journal.lost and not chain.holes and seq <= chain.size:
                problem(f"altered: {where}: line {number} begins where line {len(lines)} was due")
            lines[number] = Line(chain, nonce, tenant)
            chain.tenants.add(tenant)
            if opening and opening[0][0]:  # it began in a segment that is not there
                lines[number].size, lines[number].digest = opening[0]
        for number, key in keys:
            if number in lines:
                lines[number].key = key  # until the next; it never explains an entry before it
        if kind > 7 or kind != 7 and (kind != 0) != (service == CONTROL):
            problem(f"foreign: {where}: entries of kind {kind}")
        if seq > chain.size:
            problem(f"{'checksum' if self.journal.damaged else 'missing'}: {where}: {chain.size} to {seq - 1} are gone")
            chain.holes += 1
        elif seq < chain.size:
            problem(f"{'duplicate' if seq + len(rows) <= chain.size else 'reordered'}: {where}: {seq} comes again")
            return
        elif prev != chain.leaf:
            problem(f"altered: {where}: the link of entry {seq} is not the leaf before it")
        for i, record in enumerate(records):
            leaf, line, fields, right = leaves[32 * i:32 * i + 32], lines.get(rows[i][1]), None, False
            try:
                fields = decode_record(record)
                if fields[12] != where or line and fields[10] != line.tenant:
                    problem(f"foreign: {where}: entry {seq} is of another chain or tenant")
                own, reserved = fields[10] == "sealog", where.startswith("sealog.")
                if (kind != 0) != (40 in fields) or kind != 0 and not own or own and not reserved:
                    problem(f"altered: {where}: entry {seq}: its tenant or its key 40 does not fit kind {kind}")
                if kind == 6:
                    check_clock(fields)
            except ValueError as why:
                problem(f"altered: {where}: entry {seq}: {why}")
            if not line or not line.key:
                problem(f"missing: {where}: entry {seq}: the K of its line")
            else:  # over the stored leaf before it, so that an altered entry is named alone
                salt = new(b"\x11" + line.key + seq.to_bytes(8, "big")).digest()[:16]
                body = new(b"\x10" + salt + record).digest()
                right = new(b"\0" + skeleton(kind, chain.id, seq, logged_at, prev, body)).digest() == leaf
                if not right:
                    problem(f"altered: {where}: entry {seq} does not give its leaf")
            if line:
                if not line.begun:
                    line.begun = True
                    self.slots.append(line)
                found = fields[2] if fields else line.size
                # A higher one at the line's first entry behind a hole says what the hole swallowed.
                if found != line.size and not (found > line.size and line.holes < chain.holes):
                    problem(f"tenant_gap: {where}: entry {seq} is number {found} of its line, not {line.size}")
                line.size, line.holes = found + 1, chain.holes
                line.digest = new(b"\2" + line.digest + leaf).digest()
            if fields and right:
                chain.times = [chain.times[0] if chain.times else logged_at, logged_at]
            if not chain.holes:
                grow(peaks, seq, leaf)
            prev, seq = leaf, seq + 1
        chain.leaf, chain.size = prev, seq

    def heads(self, records, part_count):
        """Step 7, before the frame is taken in."""
        before, stated = len(self.problems), []
        if part_count != 1:
            self.problem("extra: a heads shares its commit")
        for record in records:
            try:
                root, rows, chains = heads_of(decode_record(record))
            except ValueError as why:
                self.problem(f"altered: a heads: {why}")
                continue
            stated.append((root, rows))
            for service, size, leaf in chains:
                chain = self.chains.get(service)
                if not chain:
                    self.missed.add(service)  # if it begins after all, it has a hole
                    self.problem(f"chain_missing: {service.decode()}: a heads says {size} entries")
                elif chain.size != size:
                    chain.holes += chain.size < size
                    kind = "rollback" if chain.size < size else "extra"
                    self.problem(f"{kind}: {chain.service}: {chain.size} entries, a heads says {size}")
                elif chain.leaf != leaf:
                    self.problem(f"altered: {chain.service}: a heads states another newest leaf")
        here = self.directory() if len(self.problems) == before else None
        if here and any(statement != here for statement in stated):
            self.problem("altered: a heads states another directory")

    def directory(self):
        """(root, rows), or None if it cannot be claimed. Slots are in the order of first entries (I: The directory)."""
        if self.journal.lost or any(chain.holes for chain in self.chains.values()):
            return None
        return tree(H(b"\0" + slot.row()) for slot in self.slots), len(self.slots)

    def report(self):
        directory, chains = self.directory(), []
        for _, chain in sorted(self.chains.items()):
            lines = sorted(chain.lines.values(), key=lambda line: line.tenant.encode())
            first, last = map(rfc3339, chain.times) if chain.times else (None, None)
            chains.append({"service": chain.service, "size": chain.size, "head": chain.leaf.hex(),
                           "root": None if chain.holes else root_of(chain.peaks).hex(),
                           "lines": [{"tenant": line.tenant, "line_id": line.id.hex(), "size": line.size,
                                      "digest": line.digest.hex()} for line in lines],
                           "first_logged_at": first, "last_logged_at": last})
        return {"valid": not self.problems, "torn_bytes": self.journal.torn_bytes, "problems": self.problems,
                "directory_root": directory and directory[0].hex(), "directory_rows": len(self.slots), "chains": chains}

def open_store(directory):
    """F: Directory."""
    try:
        store, files, strange = read_store(Path(directory, "STORE").read_bytes()), [], []
    except OSError as why:
        raise CannotRead(f"no store: {why}") from None
    journal = Path(directory, "journal")
    for path in journal.iterdir() if journal.is_dir() else ():
        def read(limit=-1, path=path):
            with open(path, "rb") as file:
                return file.read(limit)
        number = re.fullmatch(r"([0-9]{8}|[1-9][0-9]{8,})\.journal", path.name)
        if number and int(number[1]):
            files.append((int(number[1]), "journal/" + path.name, read))
        elif path.name.endswith(".journal"):
            strange.append("journal/" + path.name)
    segments, chains = {}, Path(directory, "chains")
    for path in chains.glob("*/*.segment") if chains.is_dir() else ():
        if re.fullmatch(r"[0-9]{20}\.segment", path.name):
            name = f"chains/{path.parent.name}/{path.name}"
            segments.setdefault(path.parent.name, []).append((int(path.stem), name, path.read_bytes()))
    segments = {service: sorted(own) for service, own in segments.items()}
    return Verifier(store, sorted(files, key=lambda file: file[0]), strange, segments)

def print_entries(verifier):
    """Commits come in their order, parts in that of services: the total order (I: Order)."""
    for logged_at, parts, _ in verifier.commits():
        for service, _, seq, *_, records in parts:
            for record in records if not service.startswith(b"sealog.") else ():
                try:
                    print(json.dumps(flat(decode_record(record), seq, logged_at), separators=(",", ":")))
                except ValueError as why:
                    verifier.problem(f"altered: {service.decode()}: entry {seq}: {why}")
                seq += 1
    print(*verifier.problems, sep="\n", end="\n" if verifier.problems else "", file=sys.stderr)
    return 1 if verifier.problems else 0

# ---- The vectors of both pages ---------------------------------------------------------------------------------------

def mac(key, strings):
    """F: Batch keys: SipHash-2-4 with 128 bits of output."""
    data = b"".join(struct.pack("<Q", len(s)) + s for s in strings)
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D ^ 0xEE, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    def rotate(x, n):
        return (x << n | x >> 64 - n) & 0xFFFFFFFFFFFFFFFF
    def rounds(n):
        for _ in range(n):
            for a, b, turn, half in ((0, 1, 13, 1), (2, 3, 16, 0), (0, 3, 21, 0), (2, 1, 17, 1)):
                v[a] = (v[a] + v[b]) & 0xFFFFFFFFFFFFFFFF
                v[b] = rotate(v[b], turn) ^ v[a]
                v[a] = rotate(v[a], 32) if half else v[a]
        return v[0] ^ v[1] ^ v[2] ^ v[3]
    for (word,) in struct.iter_unpack("<Q", data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xEE
    low = rounds(4)
    v[1] ^= 0xDD
    return struct.pack("<QQ", low, rounds(4)).hex()

class Vectors:
    def __init__(self, docs):
        self.count = self.wrong = 0
        self.format, self.integrity = ((docs / name).read_text("utf-8") for name in ("format.md", "integrity.md"))

    def same(self, what, found, printed):
        self.count += 1
        if found != printed:
            self.wrong += 1
            print(f"{what}: found {found!r}, the page says {printed!r}", file=sys.stderr)

    def run(self):
        record = self.worked_example()
        self.hashes(record)
        print(f"{self.wrong} of {self.count} vectors differ" if self.wrong else f"{self.count} vectors ok")
        return 1 if self.wrong else 0

    @staticmethod
    def block(page, beginning):
        return re.search(rf"^```\n({re.escape(beginning)}.*?)^```$", page, re.M | re.S)[1]

    def worked_example(self):
        """F: STORE, the hexdump read as a journal, its hex and SHA-256, and the vector for batch keys."""
        page, journal = self.format, b""
        self.same("CRC32", f"{zlib.crc32(b'123456789'):#x}", re.search(r'b"123456789"\) == (0x[0-9a-f]+)', page)[1])
        store = read_store(self.block(page, "sealog store").encode())
        self.same("STORE", store[2], True)
        for row in self.block(page, "-- file header").splitlines():  # each row begins where the one before it ended
            cells = re.match(r"([0-9a-f]{4})  ((?:[0-9a-f]{2} ?)+)(?: |$)", row)
            if cells:
                self.same(f"offset of {row}", len(journal), int(cells[1], 16))
                journal += bytes.fromhex(cells[2])
                value = re.search(r" = (\d+)(?: \((.*)\))?$", row)
                if value:  # in CBOR (here one byte, behind its key), else little-endian
                    begin = -1 if re.search("(record|heads): ", row) else 0
                    self.same(row, int.from_bytes(bytes.fromhex(cells[2])[begin:], "little"), int(value[1]))
                    self.same(row, rfc3339(int(value[1])) if value[2] else None, value[2])
        self.same("journal", journal.hex(), "".join(self.block(page, "534c474a").split()))
        self.same("its length and SHA-256", (str(len(journal)), H(journal).hex()),
                  re.search(r"The file is (\d+) bytes long\. Its SHA-256 is `(\w+)`", page).groups())
        def verify(data):
            return Verifier(store, [(1, "the example", lambda limit=len(data): data[:limit])]).run()
        whole = verify(journal)
        self.same("findings", whole.problems, [])
        self.same("chains", {name: chain.size for name, chain in whole.chains.items()}, {b"mail-api": 1, CONTROL: 1})
        for at in range(0x80, 0x1A0):  # the same change is torn in the file cut at 0x1a0, and damage in the whole one
            changed = journal[:at] + bytes([journal[at] ^ 0x10]) + journal[at + 1:]
            cut, whole = verify(changed[:0x1A0]), verify(changed)
            self.same(f"byte {at:#x}, cut", (cut.problems, cut.journal.torn_bytes > 0, cut.chains), ([], True, {}))
            self.same(f"byte {at:#x}, whole", (whole.problems != [], whole.journal.torn_bytes), (True, 0))
        batch = dict(re.findall(r"^(\S+(?: \S+)?) {2,}(\w+)$", self.block(page, "secret"), re.M))
        secret, contents = bytes.fromhex(batch["secret"]), [bytes.fromhex(batch[f"content {i}"]) for i in (0, 1)]
        self.same("key MAC", mac(secret, [b"batch", b"batch-1"]), batch["key MAC"])
        self.same("bytes MAC", mac(secret, contents), batch["bytes MAC"])
        record = parse_payload(journal[0xC0:0x19A], 1, 1)[0][8][0]
        self.same("content", record[record.index(b"\x0a\x64"):], contents[0])
        return record

    def hashes(self, example):
        """I: Test vectors, paragraph by paragraph: names, nonces, keys and records are taken, all else is computed."""
        page, chains, lines, slots = self.integrity, {}, {}, []
        sent = dict(re.findall(r"^\| \d \| (\S+ \d+) \| `(.*)` \|$", page, re.M))
        for paragraph in self.block(page, "store name").split("\n\n"):
            title, *rows = paragraph.splitlines()
            words = re.sub("[,:]", "", title).split()
            given = dict(re.split("  +", row, maxsplit=1) for row in rows if "  " in row)
            found = {}
            if words[0] == "store":
                store_name, store_id = words[2].encode(), bytes.fromhex(given["store_id"])
            elif "logged_at" in words:
                logged_at = int(words[-1])
            elif words[0] == "chain":
                chain = chains[words[2]] = Chain(store_name, store_id, words[2].encode())
                slots.append(chain)
                self.same(title, chain.origin.decode(), given.pop("origin"))
                found = {"chain_id": chain.id, "genesis": chain.leaf}
            elif words[0] == "line":
                line = Line(chains[words[3]], bytes.fromhex(given.pop("nonce")), words[5].encode())
                lines[f"{words[3]}/{words[5]}"] = line
                line.key = bytes.fromhex(given.pop("K"))
                slots.append(line)
                found = {"line_id": line.id, "line(0)": line.digest}
            elif words[0] == "entry":
                chain, line = chains[words[3]], lines[f"{words[3]}/{words[5]}"]
                record = bytes.fromhex(given.pop("record"))
                seq, prev, kind = int(words[1]), chain.leaf, 4 if words[3] == CONTROL.decode() else 0
                self.sent(title, decode_record(record), line.size, sent.get(f"{words[3]} {seq}"))
                if title == "entry 0 of mail-api, tenant acme":
                    self.same("the record in the hexdump", example, record)
                salt_input = b"\x11" + line.key + struct.pack(">Q", seq)
                salt = H(salt_input)[:16]
                body = H(b"\x10" + salt + record)
                data = skeleton(kind, chain.id, seq, logged_at, prev, body)
                grow(chain.peaks, chain.size, H(b"\0" + data))
                chain.leaf, chain.size = H(b"\0" + data), chain.size + 1
                line.digest, line.size = H(b"\2" + line.digest + chain.leaf), line.size + 1
                found = {"salt input": salt_input, "salt": salt, "body": body, "prev": prev, "leaf_data": data,
                         "leaf": chain.leaf, f"line({line.size})": line.digest,
                         f"root({chain.size})": root_of(chain.peaks)}
            elif words[0] == "directory":
                stated = tree(H(b"\0" + slot.row()) for slot in slots), len(slots), sorted(
                    (name.encode(), chain.size, chain.leaf) for name, chain in chains.items())
                given, found = {"root": given["root"]}, {"root": stated[0]}
                for n, name, row, digest in re.findall(r"slot (\d): (\S+)\nrow +(\w+)\nrow hash +(\w+)", paragraph):
                    slot = slots[int(n)]
                    self.same(f"slot {n}", [slot, slot.row().hex(), H(b"\0" + slot.row()).hex()],
                              [{**chains, **lines}[name], row, digest])
            else:  # trees and lines at the end
                for name, size, kind, digest in re.findall(r"^(\S+) +size (\d)  (\w+) +(\w+)$", paragraph, re.M):
                    at = lines[name] if kind == "line" else chains[name]
                    end = at.digest if kind == "line" else root_of(at.peaks)
                    self.same(name, (at.size, end.hex()), (int(size), digest))
                given = {}
            for label in {**given, **found} if words[0] != "store" else ():
                self.same(f"{title}: {label}", found.get(label, b"").hex(), given.get(label))
        self.same("what the heads states", heads_of(decode_record(record)), stated)
        # Certificate Transparency: the leaf inputs stand in a sentence, the roots in a block.
        inputs = re.findall(r"`([0-9a-f]+)`", re.search(r"the empty string,\s+(.*?);", page, re.S)[1])
        leaves = [H(b"\0" + bytes.fromhex(text)) for text in ["", *inputs]]
        for n, root in re.findall(r"^root\((\d)\) +(\w+)$", self.block(page, "root(0)"), re.M):
            self.same(f"root({n})", tree(leaves[:int(n)]).hex(), root)

    def sent(self, title, record, tenant_seq, text):
        """A record says what was sent, and its tenant_seq is the line's size so far."""
        self.same(f"{title}: tenant_seq", record[2], tenant_seq)
        if text:
            entry, wanted = flat(record, 0, 0), json.loads(text)
            if "generated_at" in wanted:
                wanted["generated_at"] = wanted["generated_at"].replace("Z", ".000000000Z")
            if "attributes" in wanted:  # a pair with an empty value is left out
                wanted["attributes"] = {name: value for name, value in wanted["attributes"].items() if value}
            self.same(f"{title}: as sent", {name: entry.get(name) for name in wanted}, wanted)

def main(arguments):
    try:
        if arguments == ["--vectors"]:
            return Vectors(Path(__file__).resolve().parent.parent / "docs").run()
        if len(arguments) == 2 and arguments[0] == "--entries":
            return print_entries(open_store(arguments[1]))
        if len(arguments) == 1 and not arguments[0].startswith("-"):
            report = open_store(arguments[0]).run().report()
            print(json.dumps(report))
            return 0 if report["valid"] else 1
    except Refused as why:  # a damaged STORE: not valid, and nothing more can be said
        print(why, file=sys.stderr)
        print(json.dumps({"valid": False, "torn_bytes": 0, "problems": [str(why)], "directory_root": None,
                          "directory_rows": 0, "chains": []}))
        return 1
    except (CannotRead, OSError) as why:
        print(why, file=sys.stderr)
        return 3
    print(__doc__, file=sys.stderr)
    return 2

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
