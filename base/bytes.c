#include "base/bytes.h"

#include <openssl/crypto.h>
#include <string.h>

int byok_bytes_compare(const void *a, size_t a_len, const void *b, size_t b_len)
{
    size_t shorter = a_len < b_len ? a_len : b_len;
    int order = shorter == 0 ? 0 : memcmp(a, b, shorter);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

int byok_percent_decode(const char *text, size_t len, unsigned char *out, size_t *out_len)
{
    size_t i, n = 0;
    int high, low;

    for (i = 0; i < len; i++) {
        if (text[i] != '%') {
            out[n++] = (unsigned char)text[i];
            continue;
        }
        if (len - i < 3)
            return 0;
        high = OPENSSL_hexchar2int((unsigned char)text[i + 1]);
        low = OPENSSL_hexchar2int((unsigned char)text[i + 2]);
        if (high < 0 || low < 0)
            return 0;
        out[n++] = (unsigned char)(high << 4 | low);
        i += 2;
    }
    *out_len = n;
    return 1;
}
