#include "law.h"

/* The Riemann problems of a row of cells along an axis, as PyClaw's ClawSolver2D asks for them:
 *
 *     cc -O2 -std=c99 -shared -fPIC THIS_FILE.c -o THIS_FILE.so -lm
 *
 * Waves and speeds are those of Roe's linearisation, the Jacobian averaged along the straight path
 * between the states, with one wave for each of its speeds: u for one field, two for two fields, and
 * for a fluid n - c, n and n + c. Other laws have the two outermost waves (Harten, Lax and van Leer).
 * The fluctuations split f(r) - f(l), so they sum to it, and waves whose speed passes zero upwards
 * get an entropy fix. Diffusion and sources are not part of a Riemann problem.
 */

#define IS_FLUID (LAW_FIELDS > 2 && LAW_SPREAD == 0.5)
#define IS_ROE (LAW_FIELDS < 3 || IS_FLUID)
#define WAVES (LAW_FIELDS == 1 ? 1 : IS_FLUID ? 3 : 2)

int law_waves(void) {
    return WAVES;
}

typedef double Matrix[LAW_FIELDS][LAW_FIELDS];

/* n and the distance c of the outermost speeds from it, kept away from zero */
static void middle_and_reach(Matrix a, double *n, double *c) {
    double trace = 0.0, square = 0.0, size = 0.0;
    for (int i = 0; i < LAW_FIELDS; i++) trace += a[i][i];
    for (int i = 0; i < LAW_FIELDS; i++)
        for (int j = 0; j < LAW_FIELDS; j++) {
            square += a[i][j] * a[j][i];
            size += fabs(a[i][j] * a[j][i]);
        }
    square = LAW_SPREAD * (square - trace * trace / LAW_FIELDS);
    *n = trace / LAW_FIELDS;
    *c = sqrt(fmax(square, 1e-8 * size + 2.2250738585072014e-308));
}

static void speeds_of(Matrix a, double *s) {
    double n, c;
    if (WAVES == 1) {
        s[0] = a[0][0];
        return;
    }
    middle_and_reach(a, &n, &c);
    s[0] = n - c;
    s[WAVES - 1] = n + c;
    if (WAVES == 3) s[1] = n;
}

static void times(Matrix a, double n, const double *v, double *result) {
    for (int i = 0; i < LAW_FIELDS; i++) {
        result[i] = -n * v[i];
        for (int j = 0; j < LAW_FIELDS; j++) result[i] += a[i][j] * v[j];
    }
}

/* The parts of v along the eigenspaces of a */
static void split(Matrix a, const double *v, double parts[][LAW_FIELDS]) {
    double n, c, once[LAW_FIELDS], twice[LAW_FIELDS];
    if (WAVES == 1) {
        parts[0][0] = v[0];
        return;
    }
    middle_and_reach(a, &n, &c);
    times(a, n, v, once);
    times(a, n, once, twice);
    for (int i = 0; i < LAW_FIELDS; i++) {
        const double last = WAVES == 3 ? (twice[i] + c * once[i]) / (2.0 * c * c)
                                       : (once[i] + c * v[i]) / (2.0 * c);
        const double first = WAVES == 3 ? (twice[i] - c * once[i]) / (2.0 * c * c) : v[i] - last;
        parts[0][i] = first;
        parts[WAVES - 1][i] = last;
        if (WAVES == 3) parts[1][i] = v[i] - first - last;
    }
}

static void riemann_problem(int axis, const double *left, const double *right, double *wave, double *s,
                            double *to_left, double *to_right) {
    static const double nodes[5] = {0.0, 0.11270166537925831, 0.5, 0.8872983346207417, 1.0};
    static const double weights[5] = {0.0, 5.0 / 18.0, 8.0 / 18.0, 5.0 / 18.0, 0.0};
    double jump[LAW_FIELDS], change[LAW_FIELDS], f[LAW_FIELDS], state[LAW_FIELDS];
    double waves[WAVES][LAW_FIELDS], parts[WAVES][LAW_FIELDS];
    double lowest[WAVES], bound[WAVES], found[WAVES];
    int sonic[WAVES];
    Matrix a, mean;
    law_flux_along(axis, left, f);
    law_flux_along(axis, right, change);
    for (int i = 0; i < LAW_FIELDS; i++) {
        jump[i] = right[i] - left[i];
        change[i] -= f[i];
        for (int j = 0; j < LAW_FIELDS; j++) mean[i][j] = 0.0;
    }
    for (int k = 0; k < 5; k++) {
        for (int i = 0; i < LAW_FIELDS; i++) state[i] = left[i] + nodes[k] * jump[i];
        law_jacobian_along(axis, state, a);
        for (int i = 0; i < LAW_FIELDS; i++)
            for (int j = 0; j < LAW_FIELDS; j++) mean[i][j] += weights[k] * a[i][j];
        speeds_of(a, found);
        for (int p = 0; p < WAVES; p++) {
            sonic[p] = k > 0 && (sonic[p] || (lowest[p] < 0.0 && found[p] > 0.0));
            lowest[p] = k > 0 ? fmin(lowest[p], found[p]) : found[p];
            bound[p] = k > 0 ? fmax(bound[p], fabs(found[p])) : fabs(found[p]);
            if (!IS_ROE) { /* the outermost speeds of both states and between them */
                if (k == 0) s[p] = found[p];
                s[p] = p == 0 ? fmin(s[p], found[p]) : fmax(s[p], found[p]);
            }
        }
    }
    if (IS_ROE) {
        speeds_of(mean, s);
        split(mean, jump, waves);
        split(mean, change, parts);
    } else {
        for (int i = 0; i < LAW_FIELDS; i++) {
            waves[1][i] = (change[i] - s[0] * jump[i]) / (s[1] - s[0]);
            waves[0][i] = jump[i] - waves[1][i];
            for (int p = 0; p < WAVES; p++) {
                parts[p][i] = s[p] * waves[p][i];
                sonic[p] = 0;
            }
        }
    }
    for (int i = 0; i < LAW_FIELDS; i++) {
        to_left[i] = 0.0;
        for (int p = 0; p < WAVES; p++) {
            wave[p * LAW_FIELDS + i] = waves[p][i];
            if (sonic[p]) to_left[i] += 0.5 * (parts[p][i] - bound[p] * waves[p][i]);
            else if (s[p] < 0.0) to_left[i] += parts[p][i];
        }
        to_right[i] = change[i] - to_left[i];
    }
}

/* PyClaw's rpn2: `ixy` is 1 for x and 2 for y; cell i lies at index i + mbc - 1. */
void rpn2_(const int *ixy, const int *maxm, const int *meqn, const int *mwaves, const int *maux,
           const int *mbc, const int *mx, const double *ql, const double *qr, const double *auxl,
           const double *auxr, double *wave, double *s, double *amdq, double *apdq) {
    (void)maxm, (void)meqn, (void)mwaves, (void)maux, (void)auxl, (void)auxr;
    for (int i = 1; i < *mx + 2 * *mbc; i++)
        riemann_problem(*ixy - 1, qr + (i - 1) * LAW_FIELDS, ql + i * LAW_FIELDS,
                        wave + i * WAVES * LAW_FIELDS, s + i * WAVES, amdq + i * LAW_FIELDS,
                        apdq + i * LAW_FIELDS);
}
