/* SPDX-License-Identifier: Apache-2.0 */
/* driver.h: what every fuzz target defines. libFuzzer or driver.c calls it. */
#ifndef PAWL_FUZZ_DRIVER_H
#define PAWL_FUZZ_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* Always 0. Ends the process when the target did what it must not. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#endif
