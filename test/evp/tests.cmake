byok_test(evp/roundtrip)
