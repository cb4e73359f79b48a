#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# Turns ftrace text into a trace.dat of version 6, as trace-cmd would have recorded it (format: trace-cmd.dat.v6(5)):
#   make_trace_dat.py TEXT OUT [--instance NAME=EVENT,...] [--lose CPU:NUMBER:COUNT] [--repeat N]
# Events: lock_*, sched_switch, workqueue_execute_*, probes `name: (function+0x0/0x30) field=value ...` and their returns,
# <stack trace> with its frames. The events named by --instance go to a buffer of their own; --lose says that COUNT events
# are missing before the NUMBERth of a processor; --repeat writes the records N times, for measuring.
import argparse
import re
import struct

LINE = re.compile(r"^\s*(.+)-(\d+)\s+(?:\([\s\d-]+\)\s+)?\[(\d+)\]\s+(\S+)\s+([\d.]+): (<stack trace>|[^:]+:)\s?(.*)$")
PAGE = 4096
COMMON = """	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

"""
HEADER_PAGE = """	field: u64 timestamp;	offset:0;	size:8;	signed:0;
	field: local_t commit;	offset:8;	size:8;	signed:1;
	field: int overwrite;	offset:8;	size:1;	signed:1;
	field: char data;	offset:16;	size:4080;	signed:1;
"""
HEADER_EVENT = """# compressed entry header
	type_len    :    5 bits
	time_delta  :   27 bits
	array       :   32 bits

	padding     : type == 29
	time_extend : type == 30
	time_stamp : type == 31
	data max type_len  == 28
"""
SIZES = {"u32": ("unsigned int", 4, 0), "s32": ("int", 4, 1), "u64": ("u64", 8, 0), "ptr": ("void *", 8, 0), "long": ("unsigned long", 8, 0),
         "comm": ("char", 16, 0), "s64": ("long", 8, 1), "str": ("__data_loc char[]", 4, 1), "stack": ("unsigned long", 8, 0)}


class Format:
    """One event: its fields behind the common ones, and how it is printed."""

    def __init__(self, number, system, name, fields, print_fmt):
        self.number, self.system, self.name, self.fields = number, system, name, fields
        text, at = f"name: {name}\nID: {number}\nformat:\n" + COMMON, 8
        for field, kind in fields:
            ctype, size, signed = SIZES[kind]
            at = (at + min(size, 8) - 1) // min(size, 8) * min(size, 8) if kind != "comm" else at
            if kind == "comm":
                text += f"\tfield:char {field}[16];\toffset:{at};\tsize:16;\tsigned:0;\n"
            elif kind == "stack":
                text += f"\tfield:int size;\toffset:{at};\tsize:4;\tsigned:1;\n\tfield:unsigned long caller[8];\toffset:{at + 8};\tsize:64;\tsigned:0;\n"
                size = 72
            else:
                text += f"\tfield:{ctype} {field};\toffset:{at};\tsize:{size};\tsigned:{signed};\n"
            at += size
        self.size = at
        self.text = text + f"\nprint fmt: {print_fmt}\n"

    def pack(self, pid, flags, values):
        out, strings = bytearray(struct.pack("<HBBi", self.number, flags, 0, pid)), []
        for (field, kind), value in zip(self.fields, values):
            size = SIZES[kind][1]
            if kind == "comm":
                out += value.encode()[:15].ljust(16, b"\0")
                continue
            out += b"\0" * (-len(out) % min(size, 8))
            if kind == "str":
                strings.append((len(out), value.encode() + b"\0"))
                out += b"\0" * 4
            elif kind == "stack":
                out += struct.pack("<ii", len(value), 0) + b"".join(struct.pack("<Q", address) for address in value)
            else:
                out += struct.pack("<" + {4: "I", 8: "Q"}[size], value & (1 << size * 8) - 1)
        for at, value in strings:
            out[at:at + 4] = struct.pack("<I", len(out) | len(value) << 16)
            out += value
        return bytes(out + b"\0" * (-len(out) % 4))


class Recording:
    def __init__(self):
        self.formats, self.symbols, self.comms, self.records = {}, {}, {}, []

    def format(self, system, name, fields, print_fmt):
        key = (name, tuple(fields))
        if key not in self.formats:
            self.formats[key] = Format(300 + len(self.formats), system, name, fields, print_fmt)
        return self.formats[key]

    def address(self, place):
        """An address for SYMBOL+0xOFF/0xLEN [module]; one that is an address already."""
        found = re.match(r"([^+ ]+)(?:\+0x([0-9a-f]+)(?:/0x[0-9a-f]+)?)?(?: \[(.*)\])?$", place)
        if found is None or re.fullmatch(r"(0x)?[0-9a-f]{16}", place):
            return int(place, 16)
        name = found.group(1) + (f"\t[{found.group(3)}]" if found.group(3) else "")
        base = self.symbols.setdefault(name, 0xFFFFFFFF81000000 + 0x1000 * len(self.symbols))
        return base + int(found.group(2) or "0", 16)

    def probe(self, name, body):
        place, rest = re.match(r"\(([^)]*)\) ?(.*)$", body).groups()
        fields, prints, arguments, values = [], "", "", []
        if " <- " in place:
            caller, function = place.split(" <- ")
            fields += [("__probe_func", "long"), ("__probe_ret_ip", "long")]
            prints, arguments = "(%lx <- %lx)", ", REC->__probe_func, REC->__probe_ret_ip"
            values += [self.address(function), self.address(caller)]
        else:
            fields, prints, arguments = [("__probe_ip", "long")], "(%lx)", ", REC->__probe_ip"
            values.append(self.address(place))
        for field, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', rest):
            if quoted or not plain:
                fields.append((field, "str"))
                prints += f" {field}=\\\"%s\\\""
                arguments += f", __get_str({field})"
                values.append(quoted)
            else:
                hexadecimal = plain.startswith("0x")
                fields.append((field, "u64" if hexadecimal else "u32"))
                prints += f" {field}=" + ("0x%Lx" if hexadecimal else "%u")
                arguments += f", REC->{field}"
                values.append(int(plain, 0))
        return self.format("xr", name, tuple(fields), f'"{prints}"{arguments}'), values

    def event(self, name, body):
        """The format and the values of one line; None for what is not turned."""
        if body.startswith("("):
            return self.probe(name, body)
        if name == "lock_acquire":
            found = re.match(r"([0-9a-f]+) (try )?(read )?(.*)$", body)
            flags = (1 if found.group(2) else 0) | (2 if found.group(3) else 0)
            return self.format("lock", name, (("flags", "u32"), ("name", "str"), ("lockdep_addr", "ptr")),
                               '"%p %s%s%s", REC->lockdep_addr, (REC->flags & 1) ? "try " : "", (REC->flags & 2) ? "read " : "", '
                               '__get_str(name)'), [flags, found.group(4), int(found.group(1), 16)]
        if name in ("lock_release", "lock_acquired", "lock_contended"):
            address, lock = body.split(" ", 1)
            return self.format("lock", name, (("name", "str"), ("lockdep_addr", "ptr")),
                               '"%p %s", REC->lockdep_addr, __get_str(name)'), [lock, int(address, 16)]
        if name in ("workqueue_execute_start", "workqueue_execute_end"):
            found = re.match(r"work struct ([0-9a-f]+)(?:: function (.*))?$", body)
            return self.format("workqueue", name, (("work", "ptr"), ("function", "ptr")),
                               '"work struct %p: function %ps", REC->work, REC->function'), [int(found.group(1), 16), self.address(found.group(2) or "unknown")]
        if name == "sched_switch":
            found = re.match(r"prev_comm=(.*) prev_pid=(\d+) prev_prio=(\d+) prev_state=(\S+) ==> next_comm=(.*) next_pid=(\d+) next_prio=(\d+)", body)
            states = {"R": 0, "S": 1, "D": 2, "X": 16, "Z": 32, "I": 128}
            return self.format("sched", name, (("prev_comm", "comm"), ("prev_pid", "s32"), ("prev_prio", "s32"), ("prev_state", "s64"),
                                               ("next_comm", "comm"), ("next_pid", "s32"), ("next_prio", "s32")),
                               '"prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s ==> next_comm=%s next_pid=%d next_prio=%d", REC->prev_comm, REC->prev_pid, '
                               'REC->prev_prio, __print_symbolic(REC->prev_state, { 0, "R" }, { 1, "S" }, { 2, "D" }, { 16, "X" }, { 32, "Z" }, { 128, "I" }), '
                               'REC->next_comm, REC->next_pid, REC->next_prio'), \
                [found.group(1), int(found.group(2)), int(found.group(3)), states.get(found.group(4)[0], 0), found.group(5), int(found.group(6)), int(found.group(7))]
        return None

    def read(self, lines):
        stack = None
        for text in lines:
            frame = re.match(r"^\s*=> (.*)$", text)
            if frame and stack is not None:
                stack.append(self.address(frame.group(1).strip()))
                continue
            found = LINE.match(text)
            if not found:
                continue
            comm, pid, cpu, flags, time, name, body = found.groups()
            pid, cpu, name = int(pid), int(cpu), name.rstrip(":")
            if comm not in ("<...>", "<idle>"):
                self.comms[pid] = comm
            context = {"s": 0x10, "h": 8, "H": 0x18, "z": 0x40, "Z": 0x48}.get(flags[2], 0)
            if name == "<stack trace>":
                stack = []
                kernel_stack = self.format("ftrace", "kernel_stack", (("stack", "stack"),), '"<stack trace>"')
                self.records.append((cpu, round(float(time) * 1e9), kernel_stack, pid, context, [stack]))
                continue
            stack, made = None, self.event(name, body)
            if made is not None:
                self.records.append((cpu, round(float(time) * 1e9), made[0], pid, context | (1 if flags[0] == "d" else 0), made[1]))


class Pages:
    """The ring buffer of one processor."""

    def __init__(self):
        self.done, self.data, self.start, self.last, self.missed = bytearray(), bytearray(), 0, 0, 0

    def flush(self):
        if self.data or self.missed:
            commit, body = len(self.data), bytes(self.data)
            if self.missed:
                commit |= 1 << 31 | 1 << 30
                body += struct.pack("<Q", self.missed)
            self.done += (struct.pack("<QQ", self.start, commit) + body).ljust(PAGE, b"\0")
        self.data, self.missed = bytearray(), 0

    def lose(self, count):
        self.flush()
        self.missed = count

    def add(self, time, payload):
        room = PAGE - 16 - (8 if self.missed else 0)
        if len(self.data) + len(payload) + 16 > room:
            self.flush()
        if not self.data:
            self.start = self.last = time
        delta, self.last = time - self.last, time
        if delta >= 1 << 27:
            self.data += struct.pack("<II", 30 | (delta & (1 << 27) - 1) << 5, delta >> 27)
            delta = 0
        if len(payload) <= 112:
            self.data += struct.pack("<I", len(payload) // 4 | delta << 5) + payload
        else:
            self.data += struct.pack("<II", delta << 5, len(payload) + 4) + payload


def write(recording, path, instances, losses, repeat):
    cpus = 1 + max(record[0] for record in recording.records)
    buffers = {"": [Pages() for _ in range(cpus)]}
    of_event = {}
    for name, events in instances:
        buffers[name] = [Pages() for _ in range(cpus)]
        of_event.update({event: name for event in events})
    seen = [0] * cpus
    span = max(record[1] for record in recording.records) - min(record[1] for record in recording.records) + 1000
    for turn in range(repeat):
        buffer = ""
        for cpu, time, form, pid, flags, values in recording.records:
            if form.name != "kernel_stack":
                buffer = of_event.get(form.name, "")
            if (cpu, seen[cpu]) in losses:
                buffers[buffer][cpu].lose(losses[cpu, seen[cpu]])
            seen[cpu] += 1
            buffers[buffer][cpu].add(time + turn * span, form.pack(pid, flags, values))

    def text(content):
        return struct.pack("<Q", len(content)) + content.encode()

    out = b"\x17\x08\x44tracing6\0" + struct.pack("<BBI", 0, 8, PAGE)
    out += b"header_page\0" + text(HEADER_PAGE) + b"header_event\0" + text(HEADER_EVENT)
    systems = {}
    for form in recording.formats.values():
        systems.setdefault(form.system, []).append(form)
    own = systems.pop("ftrace", [])
    out += struct.pack("<I", len(own)) + b"".join(text(form.text) for form in own)
    out += struct.pack("<I", len(systems))
    for system, forms in systems.items():
        out += system.encode() + b"\0" + struct.pack("<I", len(forms)) + b"".join(text(form.text) for form in forms)
    recording.address("_end")   # the library finds no symbol that nothing follows
    symbols = "".join(f"{address:016x} T {name}\n" for name, address in sorted(recording.symbols.items(), key=lambda s: s[1]))
    out += struct.pack("<I", len(symbols)) + symbols.encode() + struct.pack("<I", 0)
    comms = "".join(f"{pid} {comm}\n" for pid, comm in recording.comms.items())
    out += text(comms) + struct.pack("<I", cpus)

    # Sizes first: where each part goes follows from them.
    names = list(buffers)
    options = len(b"options  \0") + sum(2 + 4 + 8 + len(name) + 1 for name in names[1:]) + 2
    table = len(b"flyrecord\0") + 16 * cpus
    tables = {name: len(out) + options + i * table for i, name in enumerate(names)}
    at = len(out) + options + table * len(names)
    at += -at % PAGE
    data, entries = bytearray(), {}
    for name in names:
        entries[name] = b"flyrecord\0"
        for pages in buffers[name]:
            pages.flush()
            entries[name] += struct.pack("<QQ", at + len(data), len(pages.done))
            data += pages.done
    out += b"options  \0"
    for name in names[1:]:
        out += struct.pack("<HIQ", 3, 8 + len(name) + 1, tables[name]) + name.encode() + b"\0"
    out += struct.pack("<H", 0) + b"".join(entries[name] for name in names)
    out = out.ljust(at, b"\0") + data
    with open(path, "wb") as file:
        file.write(out)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("out")
    parser.add_argument("--instance", action="append", default=[])
    parser.add_argument("--lose", action="append", default=[])
    parser.add_argument("--repeat", type=int, default=1)
    arguments = parser.parse_args()
    recording = Recording()
    with open(arguments.text, encoding="utf-8", errors="replace") as file:
        recording.read(file)
    losses = {}
    for loss in arguments.lose:
        cpu, number, count = map(int, loss.split(":"))
        losses[cpu, number] = count
    instances = [(name, events.split(",")) for name, events in (word.split("=") for word in arguments.instance)]
    write(recording, arguments.out, instances, losses, arguments.repeat)


main()
