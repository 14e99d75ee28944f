// Normals of d-dimensional inputs or of label noise, written to memory; and blocks of Philox as they are.

struct Normals {  // as `normals.NORMALS`
    uint64 key, purpose, step, first;  // first: sample that the array begins with
    const long long *replicas;
    double *out;                                  // (replica_count, samples, dimension)
    long long replica_count, samples, dimension;
};

// A pair belongs to one sample where there are several coordinates, so that where a chunk begins does not matter.
KERNEL fill_normals(const Normals *all, long long) {
    const Normals run = *all;
    const long long pairs = run.dimension / 2 + run.dimension % 2, each = run.samples * pairs;
    const long long stride = BLOCKS * (long long)THREADS;
    for (long long start = BLOCK * (long long)THREADS; start < run.replica_count * each; start += stride) {
        EACH_THREAD(t) {
            const long long item = start + t;
            if (item < run.replica_count * each) {
                const long long place = item / each, sample = item % each / pairs, pair = item % pairs;
                const Stream stream = stream_of(run.key, run.replicas[place], run.step);
                double first, second;
                normal_pair(draw(stream, (Purpose)run.purpose, (run.first + sample) * pairs + pair), &first, &second);
                double *out = run.out + (place * run.samples + sample) * run.dimension + 2 * pair;
                out[0] = first;
                if (2 * pair + 1 < run.dimension) out[1] = second;
            }
        }
    }
}

struct Words {  // as `normals.WORDS`
    const uint64 *names;  // (count, 3): key, low and high half of the counter
    uint64 *out;          // (count, 4)
};

KERNEL philox_words(const Words *all, long long count) {
    const long long stride = BLOCKS * (long long)THREADS;
    for (long long start = BLOCK * (long long)THREADS; start < count; start += stride) {
        EACH_THREAD(t) {
            if (start + t < count) {
                const uint64 *name = all->names + 3 * (start + t);
                const Block block = philox(name[0], name[1], name[2]);
                for (int i = 0; i < 4; ++i) all->out[4 * (start + t) + i] = block.word[i];
            }
        }
    }
}
