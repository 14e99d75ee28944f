// Random numbers from counters: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), normals, chi-squares.
//
// A draw is named by (key, replica, step, purpose, index) and by nothing else: not by the thread that makes it, nor by
// what was drawn before. The 128-bit counter holds the four numbers side by side, so two names never share a block:
//     bits 0-61 index, 62-63 purpose, 64-103 step, 104-127 replica
// and the 64-bit key is made from the whole seed of the run. `onepass.philox` keeps the numbers within these widths.

enum Purpose { INPUTS = 0, LABELS = 1, OUTSIDE = 2 };

struct Stream {
    uint64 key;
    uint64 place;  // step and replica
};

struct Block {
    uint32 word[4];
};

DEVICE Stream stream_of(uint64 key, uint64 replica, uint64 step) {
    Stream stream = {key, replica << 40 | step};
    return stream;
}

DEVICE Block philox(uint64 key, uint64 low, uint64 high) {
    uint32 c0 = (uint32)low, c1 = (uint32)(low >> 32), c2 = (uint32)high, c3 = (uint32)(high >> 32);
    uint32 k0 = (uint32)key, k1 = (uint32)(key >> 32);
    UNROLL for (int round = 0; round < 10; ++round) {
        const uint64 first = (uint64)0xD2511F53u * c0, second = (uint64)0xCD9E8D57u * c2;
        c0 = (uint32)(second >> 32) ^ c1 ^ k0;
        c1 = (uint32)second;
        c2 = (uint32)(first >> 32) ^ c3 ^ k1;
        c3 = (uint32)first;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    Block block = {{c0, c1, c2, c3}};
    return block;
}

DEVICE Block draw(Stream stream, Purpose purpose, uint64 index) {
    return philox(stream.key, (uint64)purpose << 62 | index, stream.place);
}

// Uniform on (0, 1] in steps of 2^-52: the logarithm of it is finite.
DEVICE double uniform(uint32 high, uint32 low) { return 2.0 - double_from_bits(0x3FF00000u | (high & 0xFFFFFu), low); }

// Two independent standard normals (Box & Muller), in double precision: none is beyond 8.5, as one in 10^17 would be.
DEVICE void normal_pair(Block block, double *first, double *second) {
    const double radius = sqrt(-2.0 * log(uniform(block.word[1], block.word[0])));
    sincospi(2.0 * uniform(block.word[3], block.word[2]) - 1.0, second, first);
    *first *= radius;
    *second *= radius;
}

// Indices of one random matrix entry: 2^24 draws, of which a rejection method uses a few.
DEVICE uint64 entry_index(int entry) { return (uint64)entry << 24; }

// Chi-square of a whole number of degrees of freedom, at least 1, by Marsaglia & Tsang (2000).
DEVICE double chi_square(Stream stream, uint64 index, double degrees) {
    double x, y;
    if (degrees < 2.5) {
        normal_pair(draw(stream, OUTSIDE, index), &x, &y);
        return degrees < 1.5 ? x * x : x * x + y * y;
    }
    const double shape = 0.5 * degrees - 1.0 / 3.0, scale = 1.0 / sqrt(9.0 * shape);
    while (true) {
        normal_pair(draw(stream, OUTSIDE, index++), &x, &y);
        const Block block = draw(stream, OUTSIDE, index++);
        const double u = uniform(block.word[1], block.word[0]), root = 1.0 + scale * x, cubic = root * root * root;
        if (root > 0.0 && log(u) < 0.5 * x * x + shape * (1.0 - cubic + log(cubic))) return 2.0 * shape * cubic;
    }
}
