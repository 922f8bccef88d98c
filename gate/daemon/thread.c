/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/daemon/thread.h"

err_code thread_start(void *(*run)(void *), void *arg, pthread_t *ret)
{
    pthread_attr_t attr;
    int error;

    if (pthread_attr_init(&attr) != 0)
        return ERR_NO_MEMORY;
    error = pthread_attr_setstacksize(&attr, THREAD_STACK);
    if (error == 0)
        error = pthread_create(ret, &attr, run, arg);
    (void)pthread_attr_destroy(&attr);
    return error == 0 ? ERR_OK : ERR_NO_MEMORY;
}
