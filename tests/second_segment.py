"""Sealed segments for second_reader.py, written from docs/segment.md and docs/integrity.md alone.

`read` takes a file apart into its rows; `check` recomputes all that a segment says of itself. "S:" names sections of
segment.md. Pages are zstd (RFC 8878), for which the system's library is asked.
"""
import ctypes, ctypes.util, hashlib, struct, zlib

class Refused(ValueError):
    """Bytes that a reader refuses."""

def H(data):
    return hashlib.sha256(data).digest()

def need(condition, what):
    if not condition:
        raise Refused(what)

WORD = (1 << 64) - 1

def signed(value):
    """64 bits as an i64."""
    value &= WORD
    return value - (value >> 63 << 64)

# ---- zstd ------------------------------------------------------------------------------------------------------------

_zstd = None

def expand(codec, stored, length):
    """S: Pages: codec 0 stored, 1 zstd; what it decodes to has the declared length."""
    global _zstd
    if codec == 0:
        need(len(stored) == length, "stored bytes of another length")
        return stored
    need(codec == 1, "an unknown codec")
    if _zstd is None:
        _zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
        _zstd.ZSTD_decompress.restype = ctypes.c_size_t
        _zstd.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    out = ctypes.create_string_buffer(max(length, 1))
    need(_zstd.ZSTD_decompress(out, length, stored, len(stored)) == length, "a page that does not decode")
    return out.raw[:length]

# ---- Input -----------------------------------------------------------------------------------------------------------

class Input:
    def __init__(self, data):
        self.data, self.pos = data, 0

    def take(self, count):
        need(0 <= count <= len(self.data) - self.pos, "bytes end early")
        self.pos += count
        return self.data[self.pos - count:self.pos]

    def number(self, width):
        return int.from_bytes(self.take(width), "little")

    def u32(self):
        return self.number(4)

    def u64(self):
        return self.number(8)

    def i64(self):
        return signed(self.number(8))

    def text(self):
        """S: Descriptions: a u64 count and its bytes."""
        return self.take(self.u64())

    def list(self, item):
        count = self.u64()
        need(count <= len(self.data), "a list longer than the bytes")
        return [item() for _ in range(count)]

    def variable(self):
        """S: Packed integers: seven bits a byte, lowest first."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.number(1)
            value |= (byte & 127) << shift
            if byte < 128:
                need(value <= WORD, "a variable number above 64 bits")
                return value
        raise Refused("a variable number of more than ten bytes")

    def end(self):
        need(self.pos == len(self.data), "bytes left over")

BLOCK = 128

def unpack(data, width, count):
    bits, mask = int.from_bytes(data, "little"), (1 << width) - 1
    return [bits >> at * width & mask for at in range(count)]

def packed(inp, count):
    """S: Packed integers."""
    values, is_uniform_blank = [], False
    if inp.number(1) == 0:
        width, base, scale = inp.number(1), inp.u64(), inp.u64()
        need(width <= 64, "more than 64 bits")
        data = inp.take((count * width + 7) // 8)
        is_uniform_blank = width == 0
        for at in range(0, count, BLOCK):  # a block of any width fills whole bytes
            rows = min(BLOCK, count - at)
            values += unpack(data[at * width // 8:(at + rows) * width // 8 + 1], width, rows)
        return [(base + scale * value) & WORD for value in values], is_uniform_blank
    inp.pos -= 1
    need(inp.number(1) == 1, "an unknown form")
    base_bytes, offset_bytes, base, scale = inp.number(1), inp.number(1), inp.u64(), inp.u64()
    need(base_bytes <= 8 and offset_bytes <= 8, "bases of more than 8 bytes")
    blocks = [(inp.number(base_bytes), inp.number(1), inp.number(offset_bytes)) for _ in range(0, count, BLOCK)]
    units = 0
    for number, (block_base, width, offset) in enumerate(blocks):
        need(width <= 64 and offset == units, "blocks that are not back to back")
        units += width
        rows = min(BLOCK, count - number * BLOCK)
        values += [block_base + value for value in unpack(inp.take((rows * width + 7) // 8), width, rows)]
    return [(base + scale * value) & WORD for value in values], False

def presence(inp, count):
    rows, is_uniform_blank = packed(inp, count)
    need(all(row in (0, 1) for row in rows), "a presence of neither 0 nor 1")
    if not is_uniform_blank:
        before, _ = packed(inp, -(-count // BLOCK))
        need(before == [sum(rows[:at * BLOCK]) for at in range(len(before))], "present rows counted otherwise")
    return rows

def times(inp, count, references, place_rows):
    """S: Times. `references` gives the reference of a place, `place_rows` has its row."""
    form, unit = inp.number(1), inp.u64()
    need(form == 0 and unit == 1 or form in (1, 2) and 1 <= unit < 1 << 63, "times of an unknown form")
    rows = presence(inp, count)
    bases = packed(inp, (count + 31) // 32)[0] if form == 2 else []
    values, _ = packed(inp, inp.u32())
    need(len(values) == sum(rows), "a time for each present row")
    left, out = iter(values), []
    for place, present in enumerate(rows):
        value = next(left) if present else None
        if present and form == 2:
            value = (bases[place_rows[place] // 32] + value) % (1 << 64)
        if present:
            value = signed(value ^ 1 << 63)
        if present and form == 1:
            value = signed((references(place) // unit - value) * unit)
        if present and form == 2:
            value = signed(value * unit)
        out.append(value)
    return out

def pages(inp, most):
    """S: Pages."""
    count, page_count, data_bytes = inp.u32(), inp.u32(), inp.u32()
    need(page_count <= count <= most, "more pages than strings, or more strings than rows")
    columns = [packed(inp, page_count)[0] for _ in range(4)] if page_count else [[], [], [], []]
    data, strings = inp.take(data_bytes), []
    firsts, offsets, lengths, codecs = columns
    for page in range(page_count):
        last = page + 1 == page_count
        rows = (count if last else firsts[page + 1]) - firsts[page]
        need(firsts[page] == len(strings) and 1 <= rows <= 256 and lengths[page] <= 1 << 20, "pages out of order")
        own = Input(expand(codecs[page], data[offsets[page]:data_bytes if last else offsets[page + 1]], lengths[page]))
        sizes = [own.variable() for _ in range(rows - 1)]
        strings += [own.take(size) for size in sizes] + [own.take(len(own.data) - own.pos)]
    need(len(strings) == count, "strings that are in no page")
    return strings

def byte_strings(inp, count):
    """S: Byte strings."""
    form, rows = inp.number(1), presence(inp, count)
    if form == 1:
        own, length = inp.u32(), inp.u32()
        need(length <= 64, "fixed strings of more than 64 bytes")
        strings = [inp.take(length) for _ in range(min(own, count))]
    else:
        need(form == 0, "byte strings of an unknown form")
        strings = pages(inp, count)
    need(len(strings) == sum(rows), "a string for each present row")
    left = iter(strings)
    return [next(left) if present else None for present in rows]

# ---- S: Texts, Templates ---------------------------------------------------------------------------------------------

def decimal(digits):
    return lambda value: str(value).zfill(digits)

def hexadecimal(digits):
    return lambda value: f"{value:0{digits}x}"[-digits:]

def uuid(high, low):
    text = f"{high:016x}{low:016x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

def uuid4(high, low):
    return uuid((high & ~0xFFF) << 4 & WORD | 4 << 12 | high & 0xFFF, low & WORD >> 2 | 1 << 63)

def shape_of(shape):
    """[(literal, values it takes, what writes them)] and the literal at the end."""
    pieces, literal, at = [], b"", 0
    while at < len(shape):
        marker, at = shape[at], at + 1
        if marker < 0xF8:
            literal += bytes([marker])
            continue
        values, write = 1, None
        if marker in (0xF9, 0xFA):
            need(at < len(shape), "a marker without its digits")
            digits, at = shape[at], at + 1
            need(1 <= digits <= (18 if marker == 0xF9 else 16), "a marker of impossible digits")
            write = decimal(digits) if marker == 0xF9 else hexadecimal(digits)
        elif marker == 0xF8:
            write = decimal(1)
        elif marker == 0xFD:
            write = "{:x}".format
        else:
            need(marker in (0xFB, 0xFC), "an unknown marker")
            values, write = 2, uuid if marker == 0xFB else uuid4
        pieces.append((literal, values, write))
        literal = b""
    return pieces, literal

def templates(inp):
    """[(pieces, last literal, [(base, width)], bits)]."""
    count = inp.u32()
    if not count:
        return []
    slots, shape_bytes, decoded, stored, codec = inp.u32(), inp.u32(), inp.u32(), inp.u32(), inp.number(1)
    need(decoded <= 3 << 20, "a table above 3 MiB")
    table = Input(expand(codec, inp.take(stored), decoded))
    shapes = table.take(shape_bytes).split(b"\xff")
    need(len(shapes) == count + 1 and shapes.pop() == b"", "as many shapes as templates")
    widths = table.take(slots)
    frames = iter([(table.variable(), width) for width in widths])
    table.end()
    out = []
    for shape in shapes:
        pieces, literal = shape_of(shape)
        own = [next(frames, None) for _, values, _ in pieces for _ in range(values)]
        need(None not in own and all(width <= 64 for _, width in own), "a base and a width for each slot value")
        out.append((pieces, literal, own, sum(width for _, width in own)))
    need(next(frames, None) is None, "slot values of no template")
    return out

def texts(inp, count, run_begins):
    """S: Texts. `run_begins`: places where a tenant's run begins."""
    need(inp.number(1) < 4, "unknown flags")
    codes, _ = packed(inp, count)
    table, blocks = templates(inp), -(-count // BLOCK)
    size, begins, bits = inp.u32(), None, 0
    if size:
        begins, _ = packed(inp, blocks)
        bits = int.from_bytes(inp.take(size), "little")
    raw_strings = pages(inp, count)
    raw_before = packed(inp, blocks)[0] if raw_strings else None
    out, at, raw = [], 0, 0
    for place, code in enumerate(codes):
        if place % BLOCK == 0:
            need(begins is None or begins[place // BLOCK] == at, "a block whose variables begin elsewhere")
            need(raw_before is None or raw_before[place // BLOCK] == raw, "raw rows counted otherwise")
        if code == 0:
            out.append(None)
        elif code == 1:
            need(raw < len(raw_strings), "a raw row that is in no page")
            out.append(raw_strings[raw])
            raw += 1
        elif code == 2:
            need(place % BLOCK and place not in run_begins and out[-1] is not None, "a row that repeats none")
            out.append(out[-1])
        else:
            need(code - 3 < len(table), "the code of no template")
            pieces, literal, frames, width = table[code - 3]
            need(at + width <= size * 8, "variables beyond the column")
            values = []
            for base, own in frames:
                values.append((base + (bits >> at & (1 << own) - 1)) & WORD)
                at += own
            text, left = b"", iter(values)
            for before, taken, write in pieces:
                text += before + write(*[next(left) for _ in range(taken)]).encode()
            out.append(text + literal)
    return out

# ---- S: Columns, into records ----------------------------------------------------------------------------------------

def head(major, value):
    for size, code in ((1, 24), (2, 25), (4, 26), (8, 27)):
        if value < 24:
            return bytes([major << 5 | value])
        if value < 1 << 8 * size:
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise Refused("a number above 64 bits")

def cbor_text(value):
    return head(3, len(value)) + value

def cbor_time(value):
    return head(0, value) if value >= 0 else head(1, -1 - value)

REFERENCES = {1: 20 + 1, 2: 20, 3: 18, 4: 17, 5: 10, 6: 19, 7: 11, 8: 15, 14: 22, 15: 23, 16: 12, 17: 16}
TEXT_KEYS = {9: 3, 10: 4, 11: 11, 12: 15, 13: 16, 14: 17, 15: 18, 16: 19, 17: 20, 18: 21, 19: 22, 20: 23, 21: 25,
             22: 28, 23: 29, 24: 32, 25: 33, 26: 35}

def message(text, values):
    out, at = b"", 0
    while at < len(text):
        byte, at = text[at], at + 1
        if byte == 0x1A:
            need(at < len(text), "nothing behind U+001A")
            out, at = out + text[at:at + 1], at + 1
        elif byte in REFERENCES:
            need(REFERENCES[byte] in values, "a reference to a text that is not there")
            out += values[REFERENCES[byte]]
        else:
            out += bytes([byte])
    return out

def attributes(text):
    pairs, word, words, at = [], b"", [], 0
    while at < len(text):
        byte, at = text[at], at + 1
        if byte == 0x1A:
            word, at = word + text[at:at + 1], at + 1
        elif byte == 0x1F:
            words, word = words + [word], b""
        elif byte == 0x1E:
            need(len(words) == 1, "an attribute that is no pair")
            pairs, words, word = pairs + [(words[0], word)], [], b""
        else:
            word += bytes([byte])
    need(not words and not word, "an attribute that does not end")
    return head(5, len(pairs)) + b"".join(cbor_text(key) + cbor_text(value) for key, value in pairs)

def record_of(columns, place, service, tenant, tenant_seq):
    """The record at a place: {key: encoded value}, in the order of keys."""
    get = lambda number: columns[number][place] if number in columns else None
    if get(29) is not None:
        return get(29)
    values = {TEXT_KEYS[number]: get(number) for number in TEXT_KEYS if get(number) is not None}
    values.update({10: tenant, 12: service})
    encoded = {key: cbor_text(value) for key, value in values.items()}
    encoded[0], encoded[2] = head(0, 1), head(0, tenant_seq)
    if 25 in values:
        encoded[25] = cbor_text(message(values[25], values))
    if 35 in values:
        encoded[35] = attributes(values[35])
    for number, key in ((5, 13), (6, 26), (7, 27)):
        if get(number) is not None:
            encoded[key] = cbor_time(get(number))
    if get(28) is None:
        encoded[14] = head(0, get(1) or 0)
    else:
        encoded[40] = get(28)
    if get(2):
        need(get(2) < 3, "a success of neither 0, 1 nor 2")
        encoded[24] = bytes([0xF3 + get(2)])
    if get(3):
        encoded[30] = head(0, get(3))
    if get(27) is not None:
        encoded[31] = head(2, len(get(27))) + get(27)
        if get(8) is not None:
            encoded[34] = head(0, get(8) & WORD)
    if get(4):
        encoded[36] = b"\xf5"
    return head(5, len(encoded)) + b"".join(head(0, key) + encoded[key] for key in sorted(encoded))

# ---- S: Header, footer, trailer; descriptions ------------------------------------------------------------------------

class Segment:
    """What one file says: attributes as read, and `rows` by position: (kind, logged_at, tenant, tenant_seq, record)."""

def read_footer(data):
    need(len(data) >= 96 and len(data) <= 64 << 20, "no segment's length")
    trailer = Input(data[-32:])
    offset, size, crc, own = trailer.u64(), trailer.u64(), trailer.u32(), trailer.u32()
    need(own == zlib.crc32(data[-32:-12]) and data[-8:] == b"SLGEND\0\1", "no trailer")
    need(offset >= 64 and offset + size == len(data) - 32, "a footer elsewhere")
    need(crc == zlib.crc32(data[offset:offset + size]), "the footer's CRC")
    inp, segment = Input(data[offset:offset + size]), Segment()
    segment.store_id, segment.service, segment.chain_id = inp.take(16), inp.text(), inp.take(16)
    segment.slot, segment.first, segment.count, segment.time = inp.u32(), inp.u64(), inp.u32(), (inp.i64(), inp.i64())
    segment.end = segment.first + segment.count
    segment.prev, segment.head = inp.take(32), inp.take(32)
    segment.opening, segment.closing = inp.list(lambda: inp.take(32)), inp.list(lambda: inp.take(32))
    segment.line_count, segment.classes = inp.u32(), [inp.u32() for _ in range(6)]
    segment.record_bytes, segment.is_compact = inp.u64(), inp.number(1)
    def section():
        kind = inp.u32()
        return (kind, inp.u32() if kind == 5 else 0), inp.u64(), inp.u64(), inp.u32()
    segment.sections = inp.list(section)
    inp.end()
    need(segment.is_compact < 2 and 1 <= segment.count <= 1 << 20, "a segment of no, or of too many entries")
    need(len(segment.opening) == segment.first.bit_count() and len(segment.closing) == segment.end.bit_count(),
         "edges of other sizes")
    header = b"SLGSEG\0\1" + segment.store_id + segment.chain_id + struct.pack("<QI8x", segment.first, segment.count)
    need(data[:64] == header + struct.pack("<I", zlib.crc32(header)), "a header that does not say what the footer says")
    at = 64
    for _, begin, length, _ in segment.sections:
        need(begin == at and begin + length <= offset, "sections with a gap")
        at += length
    need(at == offset, "bytes between the sections and the footer")
    return segment

def names_of(inp, count):
    """S: Names."""
    decoded, stored, codec = inp.u32(), inp.u32(), inp.number(1)
    need(decoded <= count * 130, "names of more than 128 bytes")
    table = Input(expand(codec, inp.take(stored), decoded))
    shared, own, out = table.take(count), table.take(count), []
    for same, new in zip(shared, own):
        before = out[-1] if out else b""
        need(same <= len(before) and same + new <= 128, "a name that begins with more than there is")
        out.append(before[:same] + table.take(new))
    table.end()
    need(out and all(a < b for a, b in zip(out, out[1:])), "names out of order")
    return out

def tenant_table(inp, entries):
    """S: Tenants: [(name, line, slot, nonce, (size, digest) before, the same behind, [(position, key)])]."""
    count = inp.u32()
    need(count <= entries and count * 80 <= len(inp.data), "more tenants than entries")
    names = names_of(inp, count)
    lines, slots, sizes, grown, key_counts = (packed(inp, count)[0] for _ in range(5))
    need(sum(key_counts) * 32 <= len(inp.data), "more keys than bytes")
    positions, _ = packed(inp, sum(key_counts))
    need(all(grown) and sum(grown) == entries, "lines that do not grow by all entries")
    need(all(number < 1 << 32 for number in lines + slots), "a line or a slot above 32 bits")
    nonces, before, behind = ([inp.take(size) for _ in range(count)] for size in (16, 32, 32))
    keys = iter([(position, inp.take(32)) for position in positions])
    inp.end()
    return [(names[at], lines[at], slots[at], nonces[at], (sizes[at], before[at]), (sizes[at] + grown[at], behind[at]),
             [next(keys) for _ in range(key_counts[at])]) for at in range(count)]

def read(data):
    """A whole file, with every column decoded. Refused tells what does not read."""
    segment = read_footer(data)
    parts = {}
    for kind, begin, length, crc in segment.sections:
        need(kind not in parts, "a section twice")
        need(zlib.crc32(data[begin:begin + length]) == crc, f"section {kind}: its CRC")
        parts[kind] = Input(data[begin:begin + length])
    need(all((kind, 0) in parts for kind in range(5)), "a section is missing")
    segment.tenants = tenant_table(parts[0, 0], segment.count)
    names = [tenant[0] for tenant in segment.tenants]
    # Places: row of each place, and the runs.
    inp, count, first = parts[1, 0], segment.count, segment.first
    begins = [0] + [at - first for at in range((first >> 16) + 1 << 16, segment.end, 1 << 16)] + [count]
    run_count = inp.u32()
    need(1 <= run_count <= count, "more runs than rows")
    of_group, tenants, sizes, rows = (packed(inp, n)[0] for n in (len(begins) - 1, run_count, run_count, count))
    inp.end()
    need(sum(of_group) == run_count and sum(sizes) == count, "runs that do not fill their groups")
    place_rows, run_of, run, run_begins = [], [], 0, set()
    for group, own in enumerate(of_group):
        need(sum(sizes[run:run + own]) == begins[group + 1] - begins[group], "runs that do not fill their group")
        need(all(a < b for a, b in zip(tenants[run:run + own], tenants[run + 1:run + own])), "runs out of order")
        for at in range(run, run + own):
            need(tenants[at] < len(names) and sizes[at], "a run of no tenant")
            run_begins.add(len(place_rows))
            mine = [begins[group] + row for row in rows[len(place_rows):len(place_rows) + sizes[at]]]
            need(all(a < b for a, b in zip(mine, mine[1:])), "a tenant's rows that do not ascend")
            place_rows += mine
            run_of += [tenants[at]] * sizes[at]
        run += own
        need(sorted(place_rows[begins[group]:]) == list(range(begins[group], begins[group + 1])), "no permutation")
    # Commit times, by row.
    inp = parts[2, 0]
    commits = inp.u32()
    need(1 <= commits <= count, "more commits than rows")
    beyond, distance = packed(inp, commits)[0], packed(inp, commits)[0]
    inp.end()
    firsts = [number + at for at, number in enumerate(beyond)] + [count]
    need(firsts[0] == 0 and all(a < b for a, b in zip(firsts, firsts[1:])), "commits out of order")
    logged = [signed(segment.time[0] + own) for own in distance]
    need(all(a < b for a, b in zip(logged, logged[1:])), "commit times that do not increase")
    by_row = [time for at, time in enumerate(logged) for _ in range(firsts[at + 1] - firsts[at])]
    need((by_row[0], by_row[-1]) == segment.time, "other commit times than the footer says")
    # Columns, by place.
    columns = {}
    logged_at = [by_row[row] for row in place_rows]
    for (kind, number), inp in parts.items():
        if kind != 5:
            continue
        if number < 5:
            columns[number] = packed(inp, count)[0]
        elif number < 9:
            generated = columns.get(5, [None] * count)
            later = lambda place: logged_at[place] if generated[place] is None else generated[place]
            reference = (logged_at.__getitem__, later, later, lambda _: 0)[number - 5]
            columns[number] = times(inp, count, reference, place_rows)
        elif number < 27:
            columns[number] = texts(inp, count, run_begins)
        else:
            need(number < 30, "an unknown column")
            columns[number] = byte_strings(inp, count)
        inp.end()
    segment.rows, seen = [None] * count, [tenant[4][0] for tenant in segment.tenants]
    segment.of_class = [None] * count
    for place, (row, tenant) in enumerate(zip(place_rows, run_of)):
        record = record_of(columns, place, segment.service, names[tenant], seen[tenant])
        segment.rows[row] = (columns[0][place] if 0 in columns else 0, by_row[row], tenant, seen[tenant], record)
        segment.of_class[row] = columns[1][place] if 1 in columns else 0
        seen[tenant] += 1
    need(seen == [tenant[5][0] for tenant in segment.tenants], "lines of other sizes")
    need(sum(len(row[4]) for row in segment.rows) == segment.record_bytes, "other bytes of records")
    segment.marks, inp = [], parts[3, 0]
    while inp.pos < len(inp.data):
        segment.marks.append((inp.take(32), inp.take(32)))
    severities(segment, parts[4, 0])
    return segment

def severities(segment, inp):
    """RoaringFormatSpec, portable: a bitmap a class, held against the column."""
    for wanted in range(1, 7):
        found, cookie = [], inp.u32()
        runs = b""
        if cookie & 0xFFFF == 12347:
            containers = (cookie >> 16) + 1
            runs = inp.take((containers + 7) // 8)
        else:
            need(cookie == 12346, "no roaring bitmap")
            containers = inp.u32()
        keys = [(inp.number(2), inp.number(2) + 1) for _ in range(containers)]
        if not runs or containers >= 4:
            inp.take(4 * containers)  # offsets
        for at, (key, size) in enumerate(keys):
            if runs and runs[at // 8] >> at % 8 & 1:
                pairs = [(inp.number(2), inp.number(2)) for _ in range(inp.number(2))]
                own = [start + more for start, length in pairs for more in range(length + 1)]
            elif size > 4096:
                bits = inp.take(8192)
                own = [value for value in range(1 << 16) if bits[value >> 3] >> (value & 7) & 1]
            else:
                own = [inp.number(2) for _ in range(size)]
            found += [key << 16 | value for value in own]
        rows = [row for row, own in enumerate(segment.of_class) if own == wanted]
        need(found == rows and len(rows) == segment.classes[wanted - 1], f"severities of class {wanted}")
    inp.end()

# ---- I: Sealed segments, by itself -----------------------------------------------------------------------------------

def check(segment):
    """Recomputes leaves, tree and lines; yields what is wrong. `segment.leaves` are the recomputed ones."""
    prev, peaks, marks = segment.prev, list(segment.opening), []
    digests, before, segment.leaves, segment.keys = [tenant[4][1] for tenant in segment.tenants], prev, [], []
    if segment.first % 256:
        before = bytes(32)  # that leaf lies before the segment by more than one
    for index, (kind, logged_at, tenant, _, record) in enumerate(segment.rows):
        seq = segment.first + index
        held = [key for start, key in segment.tenants[tenant][6] if start <= seq]
        if not held:
            yield f"missing: entry {seq}: the K of its line"
            held = [bytes(32)]
        segment.keys.append(held[-1])
        salt = H(b"\x11" + held[-1] + seq.to_bytes(8, "big"))[:16]
        body = H(b"\x10" + salt + record)
        leaf = H(b"\0SLG1" + bytes([kind, 0, 0, 0]) + segment.chain_id + struct.pack(">Qq", seq, logged_at) + prev + body)
        digests[tenant] = H(b"\2" + digests[tenant] + leaf)
        node, size, level = leaf, seq, 0
        if seq % 256 == 0:
            before = prev
        while size & 1:
            node, size, level = H(b"\1" + peaks.pop() + node), size >> 1, level + 1
            if level == 8:
                marks.append((node, before))
        peaks.append(node)
        segment.leaves.append(leaf)
        prev = leaf
    if prev != segment.head:
        yield "altered: its entries do not give its head"
    if marks != segment.marks:
        yield "altered: its entries do not give its marks"
    if peaks != segment.closing:
        yield "altered: its entries do not give its tree"
    for tenant, digest in zip(segment.tenants, digests):
        if tenant[5][1] != digest:
            yield f"altered: the line of {tenant[0]!r} ends in another digest"
