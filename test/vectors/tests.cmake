byok_test(vectors/run)
target_compile_definitions(test_vectors_run PRIVATE BYOK_VECTORS="${CMAKE_CURRENT_SOURCE_DIR}/vectors")
