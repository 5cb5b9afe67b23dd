/* Compares the header with what hfluxno computed: cc law_test.c -lm && ./a.out */

#include <stdio.h>
#include "law.h"

/* numbers: begin */
#define STATES 1
static const double U[1][1] = {{0.5}};
static const double F[1][1][1] = {{{0.125}}};
static const double S[1][1][1] = {{{0.5}}};
static const double NU[1][1][1] = {{{0.0}}};
static const double X[1] = {0.0};
static const double Q[1][1] = {{0.0}};
static const double K[1] = {1.0};
/* numbers: end */

static double worst = 0.0;

/* Relative to the largest entry of the table, where n is one of its rows. */
static void compare(const double *found, const double *table, int n, int columns) {
    double size = 1e-300;
    for (int i = 0; i < STATES * columns; i++) size = fmax(size, fabs(table[i]));
    for (int i = 0; i < columns; i++) {
        const double error = fabs(found[i] - table[n * columns + i]) / size;
        if (!(error <= worst)) worst = error;
    }
}

int main(void) {
    double found[LAW_FIELDS > 2 ? LAW_FIELDS : 2];
    for (int n = 0; n < STATES; n++) {
        for (int axis = 0; axis < LAW_AXES; axis++) {
            law_flux_along(axis, U[n], found);
            compare(found, F[axis][0], n, LAW_FIELDS);
            law_diffusivity_along(axis, U[n], found);
            compare(found, NU[axis][0], n, LAW_FIELDS);
#if LAW_AXES == 2
            law_speed_range_along(axis, U[n], found);
            compare(found, S[axis][0], n, 2);
        }
        law_source(U[n], 0.0, found);
        compare(found, Q[0], n, LAW_FIELDS);
#else
        }
        law_speeds(U[n], found);
        compare(found, S[0][0], n, LAW_FIELDS);
        law_source(U[n], X[n], found);
        compare(found, Q[0], n, LAW_FIELDS);
        found[0] = law_factor(X[n]);
        compare(found, K, n, 1);
#endif
    }
    printf("%d states, largest relative difference %.1e\n", STATES, worst);
    return worst <= 1e-12 ? 0 : 1;
}
