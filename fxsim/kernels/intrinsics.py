"""Operations on int32 lanes in LLVM's portable vector types: no instruction of one CPU is named.

A loop over lanes in plain Numba pays for run-time alias checks at every entry, more than the lanes themselves cost;
these load, compute and store `LANES` elements at once. `fxsim.kernels.lanes` states what each one means, in scalar
loops that stand in where the JIT is off, and is what kernels import.

Arrays are one-dimensional and contiguous, places in them are element offsets. Nothing is bounds checked: callers keep
whole lane blocks inside. Overflow: additions and products are modular in int32.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 16
"""Lanes of one vector operation."""
TILE = 4
"""Positions that `dot_tile` sums side by side, enough to hide a multiply's latency."""

_alloca: Any = cgutils.alloca_once_value
_function: Any = cgutils.get_or_insert_function
_I8, _I32, _I64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_WORDS, _BYTES = ir.VectorType(_I32, LANES), ir.VectorType(_I8, LANES)


def _base(context: Any, builder: ir.IRBuilder, kind: Any, array: ir.Value) -> ir.Value:
    return context.make_array(kind)(context, builder, array).data


def _load(builder: ir.IRBuilder, base: ir.Value, at: ir.Value, kind: ir.Type, align: int) -> ir.Value:
    value = builder.load(builder.bitcast(builder.gep(base, [at]), kind.as_pointer()))
    value.align = align
    return value


def _words(builder: ir.IRBuilder, base: ir.Value, at: ir.Value) -> ir.Value:
    return _load(builder, base, at, _WORDS, 4)


def _store(builder: ir.IRBuilder, value: ir.Value, base: ir.Value, at: ir.Value) -> None:
    builder.store(value, builder.bitcast(builder.gep(base, [at]), _WORDS.as_pointer())).align = 4


def _splat(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    undefined = ir.Constant(_WORDS, ir.Undefined)
    return builder.shuffle_vector(
        builder.insert_element(undefined, value, _I32(0)), undefined, ir.Constant(_WORDS, [0] * LANES)
    )


def _scalar(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """An int64 as int32 in every lane."""
    return _splat(builder, builder.trunc(value, _I32))


def _offset(builder: ir.IRBuilder, start: ir.Value, index: int, stride: ir.Value) -> ir.Value:
    return builder.add(start, builder.mul(_I64(index), stride))


@intrinsic
def dot_tile(_typing: Any, sums: Any, at: Any, pitch: Any, w: Any, w_at: Any, w_pitch: Any, x: Any, x_at: Any,
             x_pitch: Any, count: Any) -> Any:  # fmt: skip
    """`fxsim.kernels.lanes.dot_tile_scalar` with the sums in registers."""
    del at, pitch, w_at, w_pitch, x_at, x_pitch, count

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        _, at, pitch, _, w_at, w_pitch, _, x_at, x_pitch, count = args
        sums, w, x = (_base(context, b, signature.args[i], args[i]) for i in (0, 3, 6))
        places = [_offset(b, at, p, pitch) for p in range(TILE)]
        totals = [_alloca(b, _words(b, sums, place)) for place in places]
        with cgutils.for_range(b, count) as loop:
            weights = _words(b, w, b.add(w_at, b.mul(loop.index, w_pitch)))
            for p in range(TILE):
                code = b.load(b.gep(x, [b.add(_offset(b, x_at, p, x_pitch), loop.index)]))
                b.store(b.add(b.load(totals[p]), b.mul(weights, _splat(b, code))), totals[p])
        for place, total in zip(places, totals, strict=True):
            _store(b, b.load(total), sums, place)
        return context.get_dummy_value()

    return types.void(sums, *[types.int64] * 2, w, *[types.int64] * 2, x, *[types.int64] * 3), generate


@intrinsic
def add_products(_typing: Any, sums: Any, at: Any, w: Any, w_at: Any, x: Any, x_at: Any) -> Any:
    """`fxsim.kernels.lanes.add_products_scalar`."""
    del at, w_at, x_at

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        sums, w, x = (_base(context, b, signature.args[i], args[i]) for i in (0, 2, 4))
        product = b.mul(_words(b, w, args[3]), _words(b, x, args[5]))
        _store(b, b.add(_words(b, sums, args[1]), product), sums, args[1])
        return context.get_dummy_value()

    return types.void(sums, types.int64, w, types.int64, x, types.int64), generate


@intrinsic
def add_code_products(_typing: Any, sums: Any, at: Any, w: Any, w_at: Any, codes: Any, code_at: Any, flip: Any,
                      zero: Any) -> Any:  # fmt: skip
    """`fxsim.kernels.lanes.add_code_products_scalar`."""
    del at, w_at, code_at, flip, zero

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        sums, w, codes = (_base(context, b, signature.args[i], args[i]) for i in (0, 2, 4))
        raw = b.zext(_load(b, codes, args[5], _BYTES, 1), _WORDS)
        x = b.sub(b.xor(raw, _scalar(b, args[6])), _scalar(b, b.add(args[6], args[7])))
        product = b.mul(_words(b, w, args[3]), x)
        _store(b, b.add(_words(b, sums, args[1]), product), sums, args[1])
        return context.get_dummy_value()

    return types.void(sums, types.int64, w, types.int64, codes, *[types.int64] * 3), generate


@intrinsic
def see_lanes(_typing: Any, sums: Any, at: Any, least: Any, greatest: Any, lane: Any) -> Any:
    """`fxsim.kernels.lanes.see_lanes_scalar`."""
    del at, lane

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        sums, least, greatest = (_base(context, b, signature.args[i], args[i]) for i in (0, 2, 3))
        value, low, high = _words(b, sums, args[1]), _words(b, least, args[4]), _words(b, greatest, args[4])
        _store(b, b.select(b.icmp_signed("<", value, low), value, low), least, args[4])
        _store(b, b.select(b.icmp_signed(">", value, high), value, high), greatest, args[4])
        return context.get_dummy_value()

    return types.void(sums, types.int64, least, greatest, types.int64), generate


def _clamped(b: ir.IRBuilder, value: ir.Value, low: ir.Value, high: ir.Value) -> ir.Value:
    value = b.select(b.icmp_signed("<", value, low), low, value)
    return b.select(b.icmp_signed(">", value, high), high, value)


def _counted(b: ir.IRBuilder, events: Any, one: ir.Value, other: ir.Value) -> None:
    """Add 1 to the lanes of `events` where two vectors differ."""
    b.store(b.add(b.load(events), b.zext(b.icmp_signed("!=", one, other), _WORDS)), events)


def _zeros(kind: ir.Type) -> ir.Constant:
    return ir.Constant(kind, None)


@intrinsic
def copy_lanes(_typing: Any, source: Any, at: Any, target: Any, place: Any) -> Any:
    """`fxsim.kernels.lanes.copy_lanes_scalar`."""
    del at, place

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        source, target = (_base(context, b, signature.args[i], args[i]) for i in (0, 2))
        _store(b, _words(b, source, args[1]), target, args[3])
        return context.get_dummy_value()

    return types.void(source, types.int64, target, types.int64), generate


@intrinsic
def reach_lanes(_typing: Any, least: Any, greatest: Any, at: Any) -> Any:
    """`fxsim.kernels.lanes.reach_lanes_scalar`."""
    del at

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        least, greatest = (_base(context, b, signature.args[i], args[i]) for i in (0, 1))
        low, high = b.not_(_words(b, least, args[2])), _words(b, greatest, args[2])
        both = b.select(b.icmp_signed(">", low, high), low, high)
        reduce = _function(b.module, ir.FunctionType(_I32, [_WORDS]), f"llvm.vector.reduce.smax.v{LANES}i32")
        return b.sext(b.call(reduce, [both]), _I64)

    return types.int64(least, greatest, types.int64), generate


@intrinsic
def clamp_lanes(_typing: Any, source: Any, at: Any, bits: Any, target: Any, events: Any, place: Any) -> Any:
    """`fxsim.kernels.lanes.clamp_lanes_scalar`."""
    del at, bits, place

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        source, target, events = (_base(context, b, signature.args[i], args[i]) for i in (0, 3, 4))
        half = b.shl(_I64(1), b.sub(args[2], _I64(1)))
        exact = _words(b, source, args[1])
        value = _clamped(b, exact, _scalar(b, b.neg(half)), _scalar(b, b.sub(half, _I64(1))))
        _store(b, value, target, args[5])
        _store(b, b.zext(b.icmp_signed("!=", value, exact), _WORDS), events, args[5])
        return context.get_dummy_value()

    return types.void(source, *[types.int64] * 2, target, events, types.int64), generate


@intrinsic
def fold_lanes(_typing: Any, source: Any, at: Any, bits: Any, target: Any, place: Any) -> Any:
    """`fxsim.kernels.lanes.fold_lanes_scalar`."""
    del at, bits, place

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        source, target = (_base(context, b, signature.args[i], args[i]) for i in (0, 3))
        away = _scalar(b, b.sub(_I64(32), args[2]))
        _store(b, b.ashr(b.shl(_words(b, source, args[1]), away), away), target, args[4])
        return context.get_dummy_value()

    return types.void(source, *[types.int64] * 2, target, types.int64), generate


@intrinsic
def round_lanes(_typing: Any, values: Any, at: Any, scales: Any, lane: Any, pitch: Any, zero: Any, lo: Any, hi: Any,
                codes: Any) -> Any:  # fmt: skip
    """`fxsim.kernels.lanes.round_lanes_scalar`."""
    del at, lane, pitch, zero, lo, hi
    pairs = ir.VectorType(_I64, LANES)

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        _, at, _, lane, pitch, zero, lo, hi, _ = args
        values, scales, codes = (_base(context, b, signature.args[i], args[i]) for i in (0, 2, 8))
        multiplier, left, right = (_words(b, scales, _offset(b, lane, i, pitch)) for i in range(3))
        value = b.shl(_words(b, values, at), left)
        product = b.mul(b.sext(value, pairs), b.sext(multiplier, pairs))
        high = b.ashr(b.add(product, ir.Constant(pairs, [1 << 30] * LANES)), ir.Constant(pairs, [31] * LANES))
        high = b.trunc(high, _WORDS)
        mask = b.sub(b.shl(ir.Constant(_WORDS, [1] * LANES), right), ir.Constant(_WORDS, [1] * LANES))
        negative = b.zext(b.icmp_signed("<", high, _zeros(_WORDS)), _WORDS)
        above = b.icmp_signed(">", b.and_(high, mask), b.add(b.lshr(mask, ir.Constant(_WORDS, [1] * LANES)), negative))
        code = b.add(b.ashr(high, right), b.zext(above, _WORDS))
        code = _clamped(b, code, _scalar(b, b.sub(lo, zero)), _scalar(b, b.sub(hi, zero)))
        _store(b, b.add(code, _scalar(b, zero)), codes, at)
        return context.get_dummy_value()

    return types.void(values, types.int64, scales, *[types.int64] * 5, codes), generate


@intrinsic
def error_lanes(_typing: Any, codes: Any, wanted: Any, at: Any, errors: Any, noise: Any) -> Any:
    """`fxsim.kernels.lanes.error_lanes_scalar`."""
    del at
    pairs = ir.VectorType(_I64, LANES)

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        codes, wanted, errors, noise = (_base(context, b, signature.args[i], args[i]) for i in (0, 1, 3, 4))
        error = b.sub(_words(b, codes, args[2]), _words(b, wanted, args[2]))
        changed = b.zext(b.icmp_signed("!=", error, _zeros(_WORDS)), _WORDS)
        _store(b, b.add(_words(b, errors, _I64(0)), changed), errors, _I64(0))
        greatest, opposite = _words(b, errors, _I64(LANES)), b.neg(error)
        size = b.select(b.icmp_signed(">", opposite, error), opposite, error)
        _store(b, b.select(b.icmp_signed(">", size, greatest), size, greatest), errors, _I64(LANES))
        wide, place = b.sext(error, pairs), b.bitcast(noise, pairs.as_pointer())
        total = b.load(place)
        total.align = 8
        b.store(b.add(total, b.mul(wide, wide)), place).align = 8
        return context.get_dummy_value()

    return types.void(codes, wanted, types.int64, errors, noise), generate


@intrinsic
def event_lanes(_typing: Any, events: Any, at: Any, seen: Any) -> Any:
    """`fxsim.kernels.lanes.event_lanes_scalar`."""
    del at

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        events, seen = (_base(context, b, signature.args[i], args[i]) for i in (0, 2))
        found = _words(b, events, args[1])
        some = b.zext(b.icmp_signed(">", found, _zeros(_WORDS)), _WORDS)
        _store(b, b.add(_words(b, seen, _I64(0)), found), seen, _I64(0))
        _store(b, b.add(_words(b, seen, _I64(LANES)), some), seen, _I64(LANES))
        return context.get_dummy_value()

    return types.void(events, types.int64, seen), generate


@intrinsic
def prefix_lanes(_typing: Any, sums: Any, at: Any, pitch: Any, count: Any, state: Any, least: Any, greatest: Any,
                 place: Any) -> Any:  # fmt: skip
    """`fxsim.kernels.lanes.prefix_lanes_scalar`."""
    del at, pitch, count, place

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        _, at, pitch, count, _, _, _, place = args
        sums, *bases = (_base(context, b, signature.args[i], args[i]) for i in (0, 4, 5, 6))
        total, low, high = (_alloca(b, _words(b, base, place)) for base in bases)
        with cgutils.for_range(b, count) as loop:
            value = b.add(b.load(total), _words(b, sums, b.add(at, b.mul(loop.index, pitch))))
            least, greatest = b.load(low), b.load(high)
            b.store(value, total)
            b.store(b.select(b.icmp_signed("<", value, least), value, least), low)
            b.store(b.select(b.icmp_signed(">", value, greatest), value, greatest), high)
        for register, base in zip((total, low, high), bases, strict=True):
            _store(b, b.load(register), base, place)
        return context.get_dummy_value()

    return types.void(sums, *[types.int64] * 3, state, least, greatest, types.int64), generate


@intrinsic
def saturate_lanes(_typing: Any, sums: Any, at: Any, pitch: Any, count: Any, bits: Any, state: Any, place: Any,
                   events: Any, events_at: Any) -> Any:  # fmt: skip
    """`fxsim.kernels.lanes.saturate_lanes_scalar`."""
    del at, pitch, count, bits, place, events_at

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        _, at, pitch, count, bits, _, place, _, events_at = args
        sums, state, events = (_base(context, b, signature.args[i], args[i]) for i in (0, 5, 7))
        half = b.shl(_I64(1), b.sub(bits, _I64(1)))
        low, high = _scalar(b, b.neg(half)), _scalar(b, b.sub(half, _I64(1)))
        register, seen = _alloca(b, _words(b, state, place)), _alloca(b, _words(b, events, events_at))
        with cgutils.for_range(b, count) as loop:
            wanted = b.add(b.load(register), _words(b, sums, b.add(at, b.mul(loop.index, pitch))))
            value = _clamped(b, wanted, low, high)
            _counted(b, seen, value, wanted)
            b.store(value, register)
        _store(b, b.load(register), state, place)
        _store(b, b.load(seen), events, events_at)
        return context.get_dummy_value()

    return types.void(sums, *[types.int64] * 4, state, types.int64, events, types.int64), generate


@intrinsic
def wrap_lanes(_typing: Any, sums: Any, at: Any, pitch: Any, count: Any, bits: Any, state: Any, place: Any,
               events: Any, events_at: Any) -> Any:  # fmt: skip
    """`fxsim.kernels.lanes.wrap_lanes_scalar`."""
    del at, pitch, count, bits, place, events_at

    def generate(context: Any, b: ir.IRBuilder, signature: Any, args: Any) -> Any:
        _, at, pitch, count, bits, _, place, _, events_at = args
        sums, state, events = (_base(context, b, signature.args[i], args[i]) for i in (0, 5, 7))
        half, shift = _scalar(b, b.shl(_I64(1), b.sub(bits, _I64(1)))), _scalar(b, bits)
        total, seen = _alloca(b, _words(b, state, place)), _alloca(b, _words(b, events, events_at))
        turn = _alloca(b, b.ashr(b.add(b.load(total), half), shift))
        with cgutils.for_range(b, count) as loop:
            value = b.add(b.load(total), _words(b, sums, b.add(at, b.mul(loop.index, pitch))))
            new = b.ashr(b.add(value, half), shift)
            _counted(b, seen, new, b.load(turn))
            b.store(value, total)
            b.store(new, turn)
        _store(b, b.load(total), state, place)
        _store(b, b.load(seen), events, events_at)
        return context.get_dummy_value()

    return types.void(sums, *[types.int64] * 4, state, types.int64, events, types.int64), generate
