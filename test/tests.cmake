# Each folder lists its own.
include(unit/tests.cmake)
include(evp/tests.cmake)
include(vectors/tests.cmake)
