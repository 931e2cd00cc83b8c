/* The same for the host that the next minor version of the ABI might bring: compiled with
 * its headers (tests/rules.mk). */
#include "tests/unit/plugin/test_sim_abi.c"
