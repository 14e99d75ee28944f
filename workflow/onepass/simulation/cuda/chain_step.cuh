// What follows the batch sums in a step of the chain, by one block for each replica, and the kernels.

// As `onepass.simulation.chain.wishart.semidefinite_cholesky`, a column at a time; rows of `factor` are `stride` apart.
DEVICE int semidefinite_cholesky(const double *gram, double *factor, int stride, double *column) {
    const double rank_tolerance = 1e-13;
    int rank = 0;
    EACH_THREAD(t) for (int e = t; e < STUDENTS * STUDENTS; e += THREADS) {
        factor[e / STUDENTS * stride + e % STUDENTS] = 0.0;
    }
    SYNC();
    for (int j = 0; j < STUDENTS; ++j) {
        EACH_THREAD(t) for (int i = j + t; i < STUDENTS; i += THREADS) {
            double value = gram[i * STUDENTS + j];
            for (int r = 0; r < rank; ++r) value -= factor[i * stride + r] * factor[j * stride + r];
            column[i] = value;
        }
        SYNC();
        const double pivot = column[j];
        if (!(pivot <= rank_tolerance * gram[j * STUDENTS + j])) {
            EACH_THREAD(t) for (int i = j + t; i < STUDENTS; i += THREADS) {
                factor[i * stride + rank] = i == j ? sqrt(pivot) : column[i] / sqrt(pivot);
            }
            ++rank;
        }
        SYNC();
    }
    return rank;
}

// Lower-triangular factor of a Wishart matrix of this rank (Bartlett).
DEVICE void bartlett(Stream stream, double *factor, int rank, double degrees) {
    EACH_THREAD(t) for (int e = t; e < STUDENTS * STUDENTS; e += THREADS) {
        const int i = e / STUDENTS, j = e % STUDENTS;
        double normal = 0.0, unused;
        if (i < rank && j < i) normal_pair(draw(stream, OUTSIDE, entry_index(e)), &normal, &unused);
        if (i < rank && j == i) normal = sqrt(chi_square(stream, entry_index(e), degrees - i));
        factor[e] = normal;
    }
    SYNC();
}

// Moves the factor by the batch sums and returns whether it stayed finite.
DEVICE bool move(const Run &run, const Replica &replica, Shared shared) {
    double *factor = shared.factor, *column = shared.column;
    double *first = shared.work, *second = first + STUDENTS * STUDENTS, *third = second + STUDENTS * STUDENTS;
    EACH_THREAD(t) for (int j = t; j < STUDENTS; j += THREADS) {
        double radial = 0.0;  // Σ c_j λ_j / n_b
        for (int r = 0; r < WIDTH; ++r) radial += factor[j * WIDTH + r] * shared.sums[j * WIDTH + r];
        column[j] = run.update == UPDATE_SPHERICAL ? radial : 0.0;
    }
    SYNC();
    EACH_THREAD(t) {
        for (int e = t; e < DRIFT; e += THREADS) {
            factor[e] += replica.rate * (shared.sums[e] - column[e / WIDTH] * factor[e]);
        }
        for (int e = t; e < STUDENTS * STUDENTS; e += THREADS) {
            const int j = e / STUDENTS, m = e % STUDENTS;
            first[e] = m <= j ? shared.sums[gram_index(j, m)] : 0.0;
        }
    }
    SYNC();

    // Outside span(W, W*) the inputs are independent of everything above: only their Gram matrix counts.
    const int rank = semidefinite_cholesky(first, second, STUDENTS, column);
    bartlett(stream_of(run.key, replica.number, replica.step), third, rank, run.degrees);
    EACH_THREAD(t) for (int e = t; e < STUDENTS * STUDENTS; e += THREADS) {
        double value = 0.0;
        for (int m = e % STUDENTS; m < rank; ++m) {
            value += second[e / STUDENTS * STUDENTS + m] * third[m * STUDENTS + e % STUDENTS];
        }
        first[e] = replica.rate * value;
    }
    SYNC();
    EACH_THREAD(t) for (int e = t; e < STUDENTS * STUDENTS; e += THREADS) {
        const int j = e / STUDENTS, i = e % STUDENTS;
        double value = 0.0;
        for (int r = TEACHERS; r < WIDTH; ++r) value += factor[i * WIDTH + r] * factor[j * WIDTH + r];
        for (int r = 0; r < rank; ++r) value += first[i * STUDENTS + r] * first[j * STUDENTS + r];
        second[e] = value;
    }
    SYNC();
    semidefinite_cholesky(second, factor + TEACHERS, WIDTH, column);
    EACH_THREAD(t) for (int j = t; j < STUDENTS; j += THREADS) {
        double norm = second[j * STUDENTS + j];
        for (int r = 0; r < TEACHERS; ++r) norm += factor[j * WIDTH + r] * factor[j * WIDTH + r];
        column[j] = norm;
    }
    SYNC();
    bool finite = true;
    for (int j = 0; j < STUDENTS; ++j) finite = finite && isfinite(column[j]);
    EACH_THREAD(t) for (int e = t; e < DRIFT; e += THREADS) factor[e] *= 1.0 / sqrt(column[e / WIDTH]);
    SYNC();
    return finite;
}

// Excess risk ½ E[(f* − f)²], as `onepass.simulation.chain.kernel.population_risk`.
DEVICE double population_risk(const Run &run, Shared shared) {
    EACH_THREAD(t) {
        double risk = 0.0;
        for (long long e = t; e < run.terms * STUDENTS; e += THREADS) {
            const long long term = e / STUDENTS;
            const int j = (int)(e % STUDENTS);
            double value = run.cross[term];
            for (int r = 0; r < TEACHERS; ++r) {
                const long long power = run.cross_powers[term * TEACHERS + r];
                for (long long n = 0; n < power; ++n) value *= shared.factor[j * WIDTH + r];
            }
            risk -= shared.layer[j] * value;
        }
        for (int e = t; e < STUDENTS * STUDENTS; e += THREADS) {
            const int i = e / STUDENTS, j = e % STUDENTS;
            double gram = 0.0, value = 0.0;
            for (int r = 0; r < WIDTH; ++r) gram += shared.factor[i * WIDTH + r] * shared.factor[j * WIDTH + r];
            for (long long n = run.order; n >= 0; --n) value = value * gram + run.pair[n];
            risk += 0.5 * shared.layer[i] * shared.layer[j] * value;
        }
        shared.work[t] = risk;
    }
    SYNC();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        EACH_THREAD(t) if (t < half) shared.work[t] += shared.work[t + half];
        SYNC();
    }
    const double risk = run.risk_constant + shared.work[0];
    SYNC();
    return risk;
}

// Before a step: records the state, stops the replica or lets the schedule go on.
DEVICE void open_step(const Run &run, Replica &replica, Shared shared, long long place) {
    double *records = run.records + place * run.record_count * DRIFT;
    double squared = 0.0;
    for (int j = 0; j < STUDENTS; ++j) {
        for (int r = 0; r < TEACHERS; ++r) squared += shared.factor[j * WIDTH + r] * shared.factor[j * WIDTH + r];
    }
    if (replica.status != DIVERGED && squared >= run.threshold_squared) replica.status = RECOVERED;
    else if (replica.status != DIVERGED && replica.step == run.steps) replica.status = BUDGET;
    long long end = replica.slot;
    if (replica.status != RUNNING) end = run.record_count;  // its last state is held
    else if (end < run.record_count && run.record_steps[end] == replica.step) ++end;
    EACH_THREAD(t) {
        for (long long slot = replica.slot; slot < end; ++slot) {
            for (int e = t; e < DRIFT; e += THREADS) records[slot * DRIFT + e] = shared.factor[e];
        }
        if (t == 0 && replica.status != RUNNING) count_down(run.running);
    }
    SYNC();
    replica.slot = end;
    const bool adaptive = replica.status == RUNNING && run.schedule == SCHEDULE_ADAPTIVE;
    if (adaptive && population_risk(run, shared) < replica.switch_risk) {
        replica.rate *= replica.loss == LOSS_CORRELATION ? run.decay * run.drop : run.decay;
        replica.loss = LOSS_SQUARE;
    }
}

DEVICE void finish_step(const Run &run, Replica &replica, Shared shared, long long place) {
    add_up_slices(run, shared, place);
    if (move(run, replica, shared)) ++replica.step;
    else replica.status = DIVERGED;
    open_step(run, replica, shared, place);
}

DEVICE void load(const Run &run, Shared shared, long long place) {
    EACH_THREAD(t) {
        for (int e = t; e < DRIFT; e += THREADS) shared.factor[e] = run.factors[place * DRIFT + e];
        for (int j = t; j < STUDENTS; j += THREADS) shared.layer[j] = run.layer[j];
    }
    SYNC();
}

DEVICE void keep(const Run &run, const Replica &replica, Shared shared, long long place) {
    EACH_THREAD(t) {
        for (int e = t; e < DRIFT; e += THREADS) run.factors[place * DRIFT + e] = shared.factor[e];
        if (t == 0) run.replicas[place] = replica;
    }
    SYNC();
}

// Step 0, once.
KERNEL chain_open(const Run *all, long long) {
    SHARED(memory);
    const Run run = *all;
    const Shared shared = divided(memory);
    for (long long place = BLOCK; place < run.replica_count; place += BLOCKS) {
        Replica replica = run.replicas[place];
        load(run, shared, place);
        open_step(run, replica, shared, place);
        keep(run, replica, shared, place);
    }
}

// `count` steps of every replica, each by one block: for many replicas, or small batches.
KERNEL chain_steps(const Run *all, long long count) {
    SHARED(memory);
    const Run run = *all;
    const Shared shared = divided(memory);
    for (long long place = BLOCK; place < run.replica_count; place += BLOCKS) {
        Replica replica = run.replicas[place];
        load(run, shared, place);
        for (long long n = 0; n < count && replica.status == RUNNING; ++n) {
            for (long long slice = 0; slice < run.slices; ++slice) add_slice(run, replica, shared, place, slice);
            finish_step(run, replica, shared, place);
        }
        keep(run, replica, shared, place);
    }
}

// One step in two launches, all slices of all replicas side by side: for few replicas and large batches.
KERNEL chain_sums(const Run *all, long long) {
    SHARED(memory);
    const Run run = *all;
    const Shared shared = divided(memory);
    for (long long item = BLOCK; item < run.replica_count * run.slices; item += BLOCKS) {
        const long long place = item / run.slices;
        const Replica replica = run.replicas[place];
        if (replica.status != RUNNING) continue;
        load(run, shared, place);
        add_slice(run, replica, shared, place, item % run.slices);
    }
}

KERNEL chain_finish(const Run *all, long long) {
    SHARED(memory);
    const Run run = *all;
    const Shared shared = divided(memory);
    for (long long place = BLOCK; place < run.replica_count; place += BLOCKS) {
        Replica replica = run.replicas[place];
        if (replica.status != RUNNING) continue;
        load(run, shared, place);
        finish_step(run, replica, shared, place);
        keep(run, replica, shared, place);
    }
}
