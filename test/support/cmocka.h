/* cmocka wants these first. */
#ifndef BYOK_TEST_SUPPORT_CMOCKA_H
#define BYOK_TEST_SUPPORT_CMOCKA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
