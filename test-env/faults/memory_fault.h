/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_fault.h: how a test steers memory_fault.so, which a program loads before all else
 * (LD_PRELOAD), and which lets chosen allocations fail. The switches lie in a file that both map;
 * the library finds it by the environment variable PAWL_MEMORY_FAULT.
 */
#ifndef PAWL_FAULTS_MEMORY_FAULT_H
#define PAWL_FAULTS_MEMORY_FAULT_H

#include <stdint.h>

struct memory_fault {
    uint32_t mode;  /* 0: none fails; 1: those of the program itself count; 2: of libraries, too */
    uint32_t asked; /* counted since the test set it to 0 */
    uint32_t first,
        n;           /* these fail: n of them from the one with this number on; it begins with 1 */
    uint32_t failed; /* seen: how many did */
};

#endif
