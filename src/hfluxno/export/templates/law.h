#ifndef LAW_H
#define LAW_H

#include <math.h>

/* Along an axis, of which a line has one (0) and a plane two (0 for x, 1 for y), within the observed
 * range
 *
 *     f_i(u) = sum_k LAW_FLUX[axis][i][k] prod_j w_j^LAW_EXPONENTS[k][j],
 *     w_j = (u_j - LAW_SHIFT[j])/LAW_SCALE[j],
 *
 * and g sqrt((w - a)^2 + LAW_WIDTH^2) for each {a, g} of LAW_KINK[axis], which only a law of one
 * field has. Beyond the range f continues linearly from the nearest observed state if the law is
 * LAW_CONTINUED, and is this sum if not. The diffusivity keeps its value there, and so does the
 * source of several fields; that of one field changes with the distance d by b d + c d^2,
 * LAW_BEYOND = {{b, c} below, {b, c} above}, and that on a plane linearly. A flux is known up to a
 * constant: law_flux differs by one from a formula that leaves out a constant without effect.
 * If LAW_IS_DRY, the ground of a flow may be dry: for the flux the momentum, LAW_FLOW[1], counts at
 * most as LAW_FASTEST times the density, LAW_FLOW[0].
 */

/* numbers: begin */
#define LAW_AXES 1
#define LAW_FIELDS 1
#define LAW_TERMS 1
#define LAW_KINKS 0
#define LAW_DIFFUSIVITY_TERMS 0
#define LAW_SOURCE_TERMS 0
#define LAW_ARISING_TERMS 0
#define LAW_SOURCE_MODES 0
#define LAW_CARRIER -1
#define LAW_FACTOR_MODES 0
#define LAW_STRETCHES 0
#define LAW_PERIODIC 1
#define LAW_CONTINUED 1
#define LAW_SPREAD 0.0
#define LAW_IS_DRY 0
static const double LAW_LOWER[1] = {-1.0};
static const double LAW_UPPER[1] = {1.0};
static const double LAW_SHIFT[1] = {0.0};
static const double LAW_SCALE[1] = {1.0};
static const int LAW_EXPONENTS[1][1] = {{2}};
static const double LAW_FLUX[1][1][1] = {{{0.5}}};
static const double LAW_KINK[1][1][2] = {{{0.0, 0.0}}};
static const double LAW_WIDTH = 1.0;
static const double LAW_DIFFUSIVITY[1][1][1] = {{{0.0}}};
static const double LAW_SOURCE[1][1] = {{0.0}};
static const double LAW_BEYOND[2][2] = {{0.0, 0.0}, {0.0, 0.0}};
static const int LAW_FLOW[2] = {0, 0};
static const double LAW_FASTEST = 0.0;
static const int LAW_ARISING[1][2] = {{0, 0}};
static const double LAW_SOURCE_BY_PLACE[1][1] = {{0.0}};
static const double LAW_FACTOR[1] = {0.0};
static const double LAW_STRETCH[1][3] = {{0.0, 0.0, 0.0}};
static const double LAW_OFFSET[1] = {0.0};
static const double LAW_PLACE[2] = {0.0, 1.0};
/* numbers: end */

static inline double law_power(double w, int e) {
    double result = 1.0;
    for (int n = e < 0 ? -e : e; n > 0; n--) result *= w;
    return e < 0 ? 1.0 / result : result;
}

static inline double law_nearest(double u, int i) {
    if (!LAW_CONTINUED) return u;
    return u < LAW_LOWER[i] ? LAW_LOWER[i] : u > LAW_UPPER[i] ? LAW_UPPER[i] : u;
}

static inline void law_flowing(const double given[LAW_FIELDS], double u[LAW_FIELDS]) {
    for (int i = 0; i < LAW_FIELDS; i++) u[i] = given[i];
    if (LAW_IS_DRY) {
        const double most = LAW_FASTEST * fmax(u[LAW_FLOW[0]], 0.0);
        u[LAW_FLOW[1]] = fmax(-most, fmin(most, u[LAW_FLOW[1]]));
    }
}

static inline double law_rounded(double d) {
    return sqrt(d * d + LAW_WIDTH * LAW_WIDTH);
}

/* a[i][j] = df_i/du_j along an axis */
static inline void law_jacobian_along(int axis, const double given[LAW_FIELDS],
                                      double a[LAW_FIELDS][LAW_FIELDS]) {
    double u[LAW_FIELDS], w[LAW_FIELDS];
    law_flowing(given, u);
    for (int j = 0; j < LAW_FIELDS; j++) w[j] = (law_nearest(u[j], j) - LAW_SHIFT[j]) / LAW_SCALE[j];
    for (int i = 0; i < LAW_FIELDS; i++)
        for (int j = 0; j < LAW_FIELDS; j++) {
            a[i][j] = 0.0;
            for (int k = 0; k < LAW_TERMS; k++) {
                const int e = LAW_EXPONENTS[k][j];
                if (e == 0 || LAW_FLUX[axis][i][k] == 0.0) continue;
                double term = e * law_power(w[j], e - 1) / LAW_SCALE[j];
                for (int l = 0; l < LAW_FIELDS; l++)
                    if (l != j) term *= law_power(w[l], LAW_EXPONENTS[k][l]);
                a[i][j] += LAW_FLUX[axis][i][k] * term;
            }
        }
    for (int k = 0; k < LAW_KINKS; k++) {
        const double d = w[0] - LAW_KINK[axis][k][0];
        a[0][0] += LAW_KINK[axis][k][1] / LAW_SCALE[0] * d / law_rounded(d);
    }
}

/* f(u) along an axis, the amount of each field that passes a point (on a plane: a unit length across
 * the axis) in unit time */
static inline void law_flux_along(int axis, const double given[LAW_FIELDS], double f[LAW_FIELDS]) {
    double a[LAW_FIELDS][LAW_FIELDS], u[LAW_FIELDS], w[LAW_FIELDS];
    law_flowing(given, u);
    law_jacobian_along(axis, u, a);
    for (int j = 0; j < LAW_FIELDS; j++) w[j] = (law_nearest(u[j], j) - LAW_SHIFT[j]) / LAW_SCALE[j];
    for (int i = 0; i < LAW_FIELDS; i++) {
        f[i] = 0.0;
        for (int k = 0; k < LAW_TERMS; k++) {
            double term = LAW_FLUX[axis][i][k];
            for (int j = 0; j < LAW_FIELDS; j++) term *= law_power(w[j], LAW_EXPONENTS[k][j]);
            f[i] += term;
        }
        for (int k = 0; k < LAW_KINKS; k++)
            f[i] += LAW_KINK[axis][k][1] * law_rounded(w[0] - LAW_KINK[axis][k][0]);
        for (int j = 0; j < LAW_FIELDS; j++) f[i] += a[i][j] * (u[j] - law_nearest(u[j], j));
    }
}

static inline double law_scaled(const double u[LAW_FIELDS], int i) {
    return (2.0 * law_nearest(u[i], i) - LAW_LOWER[i] - LAW_UPPER[i]) / (LAW_UPPER[i] - LAW_LOWER[i]);
}

/* nu(u) of u_t + f(u)_x = (nu(u) u_x)_x along an axis; zero without diffusion */
static inline void law_diffusivity_along(int axis, const double u[LAW_FIELDS],
                                         double nu[LAW_FIELDS]) {
    for (int i = 0; i < LAW_FIELDS; i++) {
        nu[i] = 0.0;
        for (int k = LAW_DIFFUSIVITY_TERMS - 1; k >= 0; k--)
            nu[i] = nu[i] * law_scaled(u, i) + LAW_DIFFUSIVITY[axis][i][k];
        if (nu[i] < 0.0) nu[i] = 0.0;
    }
}

static inline double law_mode(double x, int k) {
    const double pi = 3.14159265358979323846;
    const double xi = (x - LAW_PLACE[0]) / (LAW_PLACE[1] - LAW_PLACE[0]);
    if (!LAW_PERIODIC) return cos(pi * (k + 1) * xi);
    return k % 2 ? sin(2.0 * pi * (k / 2 + 1) * xi) : cos(2.0 * pi * (k / 2 + 1) * xi);
}

/* The function k of a source of several fields: a product of powers of the fields and then of their
 * absolute values */
static inline double law_arising(const double u[LAW_FIELDS], int k) {
    double term = 1.0;
    for (int j = 0; j < LAW_FIELDS; j++) {
        const double w = law_nearest(u[j], j);
        term *= law_power(w, LAW_ARISING[k][j]) * law_power(fabs(w), LAW_ARISING[k][LAW_FIELDS + j]);
    }
    return term;
}

/* The change of this function from the nearest state of the range, linearly */
static inline double law_arising_beyond(const double u[LAW_FIELDS], int k) {
    double found = 0.0;
    for (int j = 0; j < LAW_FIELDS; j++) {
        const int e = LAW_ARISING[k][j];
        if (e == 0) continue;
        double term = e * law_power(law_nearest(u[j], j), e - 1) * (u[j] - law_nearest(u[j], j));
        for (int l = 0; l < LAW_FIELDS; l++)
            if (l != j) term *= law_power(law_nearest(u[l], l), LAW_ARISING[k][l]);
        found += term;
    }
    return found;
}

/* s(u, x), what arises of each field in unit time; zero without sources; a plane has no x */
static inline void law_source(const double u[LAW_FIELDS], double x, double s[LAW_FIELDS]) {
    for (int i = 0; i < LAW_FIELDS; i++) {
        s[i] = 0.0;
        for (int k = LAW_SOURCE_TERMS - 1; k >= 0; k--)
            s[i] = s[i] * law_scaled(u, i) + LAW_SOURCE[i][k];
        if (LAW_ARISING_TERMS == 0) {
            const double d = u[i] - law_nearest(u[i], i);
            s[i] += d * (LAW_BEYOND[d > 0.0][0] + LAW_BEYOND[d > 0.0][1] * d);
        }
        for (int k = 0; k < LAW_ARISING_TERMS; k++) {
            s[i] += LAW_SOURCE[i][k] * law_arising(u, k);
            if (LAW_AXES == 2) s[i] += LAW_SOURCE[i][k] * law_arising_beyond(u, k);
        }
        const double carried = LAW_CARRIER < 0 ? 1.0 : u[LAW_CARRIER < 0 ? 0 : LAW_CARRIER];
        for (int k = 0; k < LAW_SOURCE_MODES; k++)
            s[i] += LAW_SOURCE_BY_PLACE[i][k] * law_mode(x, k) * carried;
    }
}

#if LAW_AXES == 2

/* Bounds of the wave speeds along an axis, s[0] and s[1], from the trace and the trace of the square
 * of the Jacobian; exact for one and two fields */
static inline void law_speed_range_along(int axis, const double u[LAW_FIELDS], double s[2]) {
    double a[LAW_FIELDS][LAW_FIELDS], trace = 0.0, square = 0.0;
    law_jacobian_along(axis, u, a);
    for (int i = 0; i < LAW_FIELDS; i++) trace += a[i][i];
    for (int i = 0; i < LAW_FIELDS; i++)
        for (int j = 0; j < LAW_FIELDS; j++) square += a[i][j] * a[j][i];
    square -= trace * trace / LAW_FIELDS;
    const double reach = sqrt(fmax(LAW_SPREAD * square, 0.0));
    s[0] = trace / LAW_FIELDS - reach;
    s[1] = trace / LAW_FIELDS + reach;
}

#else

static inline void law_flux(const double u[LAW_FIELDS], double f[LAW_FIELDS]) {
    law_flux_along(0, u, f);
}

static inline void law_diffusivity(const double u[LAW_FIELDS], double nu[LAW_FIELDS]) {
    law_diffusivity_along(0, u, nu);
}

static inline void law_jacobian(const double u[LAW_FIELDS], double a[LAW_FIELDS][LAW_FIELDS]) {
    law_jacobian_along(0, u, a);
}

/* The wave speeds, ascending: the eigenvalues of the Jacobian */
static inline void law_speeds(const double u[LAW_FIELDS], double s[LAW_FIELDS]) {
    double a[LAW_FIELDS][LAW_FIELDS];
    law_jacobian(u, a);
#if LAW_FIELDS == 1
    s[0] = a[0][0];
#elif LAW_FIELDS == 2
    const double middle = 0.5 * (a[0][0] + a[1][1]), difference = 0.5 * (a[0][0] - a[1][1]);
    const double product = a[0][1] * a[1][0], square = difference * difference;
    /* They are kept apart by a ten thousandth of the matrix. */
    const double floor_ = 1e-8 * (square + fabs(product)) + 2.2250738585072014e-308;
    const double gap = sqrt(fmax(square + product, floor_));
    s[0] = middle - gap;
    s[1] = middle + gap;
#else
    const double middle = (a[0][0] + a[1][1] + a[2][2]) / 3.0, pi = 3.14159265358979323846;
    double square = 0.0, largest = 0.0;
    for (int i = 0; i < 3; i++) a[i][i] -= middle;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            square += a[i][j] * a[j][i] / 6.0;
            largest = fmax(largest, fabs(a[i][j]));
        }
    const double scale = sqrt(fmax(square, 1e-8 * largest * largest + 2.2250738585072014e-308));
    const double half = 0.5 * (a[0][0] / scale * (a[1][1] * a[2][2] - a[1][2] * a[2][1])
                               - a[0][1] / scale * (a[1][0] * a[2][2] - a[1][2] * a[2][0])
                               + a[0][2] / scale * (a[1][0] * a[2][1] - a[1][1] * a[2][0]))
                        / scale / scale;
    const double most = 1.0 - 5e-9, angle = acos(fmax(-most, fmin(most, half))) / 3.0;
    s[0] = middle + 2.0 * scale * cos(angle + 2.0 * pi / 3.0);
    s[2] = middle + 2.0 * scale * cos(angle);
    s[1] = 3.0 * middle - s[0] - s[2];
#endif
}

/* k(x) where the flux is k(x) (f(u) + LAW_OFFSET); one if it is the same everywhere */
static inline double law_factor(double x) {
    double exponent = 0.0;
    for (int k = 0; k < LAW_FACTOR_MODES; k++) exponent += LAW_FACTOR[k] * law_mode(x, k);
    for (int k = 0; k < LAW_STRETCHES; k++) {
        int inside = 0;
        for (int turn = -LAW_PERIODIC; turn <= LAW_PERIODIC; turn++) {
            double y = x + turn * (LAW_PLACE[1] - LAW_PLACE[0]);
            if (LAW_STRETCH[k][0] <= y && y < LAW_STRETCH[k][1]) inside = 1;
        }
        if (inside) exponent += LAW_STRETCH[k][2];
    }
    return exp(exponent);
}

#endif

#endif
