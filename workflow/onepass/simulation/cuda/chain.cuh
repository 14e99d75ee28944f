// The overlap chain on a GPU: `onepass.simulation.chain.overlap_chain.step` in blocks of threads, replicas side by side.
//
// A batch is cut into slices whose bounds depend on n_b alone; a block adds up a slice, and the sums of the slices are
// added in the order of their numbers. So a run is the same, bit for bit, however many blocks a launch has and however
// its steps are dealt out to launches. Before this file stand the model's formulas and, from `onepass.simulation.cuda.source`:
//     STUDENTS, TEACHERS, THREADS (of a block), ROWS (samples of a tile; 0: every thread keeps sums of its own),
//     SHARED_DOUBLES, LOSS_SQUARE and the other choices of `onepass.protocol`

enum {
    WIDTH = STUDENTS + TEACHERS,
    DRIFT = STUDENTS * WIDTH,                           // Σ c uᵀ / n_b comes first among the sums,
    SUMS = DRIFT + STUDENTS * (STUDENTS + 1) / 2,       // then the lower half of Σ c cᵀ / n_b²
    PAIRS = WIDTH / 2 + 1,                              // of normals a sample: its inputs and its label noise
    LANES = SUMS < THREADS ? THREADS / SUMS : 1,        // that add up slices side by side
    STRIDE = (WIDTH + 1 + 2 * STUDENTS) | 1,            // of a tile's rows; odd, so that columns spread over banks
};
enum Status { RECOVERED = 0, BUDGET = 1, DIVERGED = 2, RUNNING = 3 };

struct Replica {  // as `chain.REPLICA`
    long long number, step, slot, loss, status;
    double rate, switch_risk;
};

struct Run {  // as `chain.RUN`
    uint64 key;
    Replica *replicas;
    double *factors, *partials, *records;  // of each replica: (P, WIDTH), (slices, SUMS), (records, P, WIDTH)
    const double *layer, *cross, *pair;
    const long long *record_steps, *cross_powers;
    int *running;
    long long replica_count, batch_size, slice, slices, steps, record_count, terms, order, update, schedule;
    double degrees, threshold_squared, deviation, drop, decay, risk_constant;
};

struct Shared {
    double *factor, *layer, *sums, *column, *work;
};

DEVICE Shared divided(double *all) {
    Shared shared = {all, all + DRIFT, all + DRIFT + STUDENTS, all + DRIFT + STUDENTS + SUMS,
                     all + DRIFT + 2 * STUDENTS + SUMS};
    return shared;
}

DEVICE int gram_index(int j, int m) { return DRIFT + j * (j + 1) / 2 + m; }

// Label minus what the students make of it; fields and inputs of one sample.
DEVICE double label(const double *u, double deviation) {
    return deviation > 0.0 ? target(u) + deviation * u[WIDTH] : target(u);
}

DEVICE double field_of(const double *factor, const double *u, int j) {
    double field = 0.0;
    UNROLL for (int r = 0; r < TEACHERS + STUDENTS; ++r) if (r <= TEACHERS + j) field += factor[j * WIDTH + r] * u[r];
    return field;
}

DEVICE void draw_pair(Stream stream, uint64 sample, int pair, double *u) {
    normal_pair(draw(stream, INPUTS, sample * PAIRS + pair), &u[2 * pair], &u[2 * pair + 1]);
}

#if ROWS == 0

// Few sums: every thread keeps its own in registers.
DEVICE void add_sample(const Run &run, const Replica &replica, Shared shared, Stream stream, uint64 sample,
                       double *sums) {
    double u[2 * PAIRS], field[STUDENTS], c[STUDENTS];
    UNROLL for (int pair = 0; pair < PAIRS; ++pair) {
        if (2 * pair < WIDTH || run.deviation > 0.0) draw_pair(stream, sample, pair, u);
    }
    double error = label(u, run.deviation);
    UNROLL for (int j = 0; j < STUDENTS; ++j) {
        field[j] = field_of(shared.factor, u, j);
        if (replica.loss == LOSS_SQUARE) error -= shared.layer[j] * activation(field[j]);
    }
    UNROLL for (int j = 0; j < STUDENTS; ++j) {
        c[j] = shared.layer[j] * derivative(field[j]) * error;
        UNROLL for (int r = 0; r < WIDTH; ++r) sums[j * WIDTH + r] += c[j] * u[r];
        UNROLL for (int m = 0; m < STUDENTS; ++m) if (m <= j) sums[gram_index(j, m)] += c[j] * c[m];
    }
}

DEVICE void add_samples(const Run &run, const Replica &replica, Shared shared, uint64 first, uint64 end) {
    const Stream stream = stream_of(run.key, replica.number, replica.step);
    EACH_THREAD(t) {
        double sums[SUMS];
        UNROLL for (int o = 0; o < SUMS; ++o) sums[o] = 0.0;
        for (uint64 sample = first + t; sample < end; sample += THREADS)
            add_sample(run, replica, shared, stream, sample, sums);
        UNROLL for (int o = 0; o < SUMS; ++o) shared.work[t * SUMS + o] = sums[o];
    }
    SYNC();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        EACH_THREAD(t) for (int e = t; e < half * SUMS; e += THREADS) shared.work[e] += shared.work[e + half * SUMS];
        SYNC();
    }
    EACH_THREAD(t) for (int o = t; o < SUMS; o += THREADS) shared.sums[o] = shared.work[o];
    SYNC();
}

#else

// Many sums: a tile of samples in shared memory, its normals, fields and sums each dealt out to the threads.
DEVICE void add_samples(const Run &run, const Replica &replica, Shared shared, uint64 first, uint64 end) {
    const Stream stream = stream_of(run.key, replica.number, replica.step);
    EACH_THREAD(t) for (int o = t; o < SUMS; o += THREADS) shared.sums[o] = 0.0;
    SYNC();
    for (uint64 start = first; start < end; start += ROWS) {
        const int rows = end - start < ROWS ? (int)(end - start) : ROWS;
        EACH_THREAD(t) for (int e = t; e < rows * PAIRS; e += THREADS) {
            double *row = shared.work + e / PAIRS * STRIDE, first_normal, second_normal;
            const int pair = e % PAIRS;
            normal_pair(draw(stream, INPUTS, (start + e / PAIRS) * PAIRS + pair), &first_normal, &second_normal);
            row[2 * pair] = first_normal;
            if (2 * pair + 1 <= WIDTH) row[2 * pair + 1] = second_normal;
        }
        SYNC();
        EACH_THREAD(t) for (int e = t; e < rows * STUDENTS; e += THREADS) {
            double *row = shared.work + e / STUDENTS * STRIDE;
            const int j = e % STUDENTS;
            const double field = field_of(shared.factor, row, j);
            row[WIDTH + 1 + j] = shared.layer[j] * derivative(field);
            row[WIDTH + 1 + STUDENTS + j] = replica.loss == LOSS_SQUARE ? shared.layer[j] * activation(field) : 0.0;
        }
        SYNC();
        EACH_THREAD(t) for (int e = t; e < rows; e += THREADS) {
            double *row = shared.work + e * STRIDE;
            double error = label(row, run.deviation);
            for (int j = 0; j < STUDENTS; ++j) error -= row[WIDTH + 1 + STUDENTS + j];
            for (int j = 0; j < STUDENTS; ++j) row[WIDTH + 1 + j] *= error;
        }
        SYNC();
        EACH_THREAD(t) for (int o = t; o < SUMS; o += THREADS) {
            int j = 0, other = 0;
            if (o < DRIFT) {
                j = o / WIDTH;
                other = o % WIDTH;
            } else {
                while (gram_index(j + 1, 0) <= o) ++j;
                other = WIDTH + 1 + o - gram_index(j, 0);
            }
            double sum = shared.sums[o];
            for (int row = 0; row < rows; ++row)
                sum += shared.work[row * STRIDE + WIDTH + 1 + j] * shared.work[row * STRIDE + other];
            shared.sums[o] = sum;
        }
        SYNC();
    }
}

#endif

DEVICE void add_slice(const Run &run, const Replica &replica, Shared shared, long long place, long long slice) {
    const uint64 first = (uint64)(slice * run.slice), end = first + run.slice;
    add_samples(run, replica, shared, first, end < (uint64)run.batch_size ? end : (uint64)run.batch_size);
    double *partial = run.partials + (place * run.slices + slice) * SUMS;
    EACH_THREAD(t) for (int o = t; o < SUMS; o += THREADS) partial[o] = shared.sums[o];
    SYNC();
}

DEVICE void add_up_slices(const Run &run, Shared shared, long long place) {
    const double *partial = run.partials + place * run.slices * SUMS, share = 1.0 / run.batch_size;
    EACH_THREAD(t) for (int e = t; e < LANES * SUMS; e += THREADS) {
        double sum = 0.0;
        UNROLL_8 for (long long slice = e / SUMS; slice < run.slices; slice += LANES) {  // so that loads overlap
            sum += partial[slice * SUMS + e % SUMS];
        }
        shared.work[e] = sum;
    }
    SYNC();
    EACH_THREAD(t) for (int o = t; o < SUMS; o += THREADS) {
        double sum = 0.0;
        for (int lane = 0; lane < LANES; ++lane) sum += shared.work[lane * SUMS + o];
        shared.sums[o] = o < DRIFT ? share * sum : share * share * sum;
    }
    SYNC();
}
