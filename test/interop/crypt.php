<?php
// seal|open KEK: standard input to standard output, in one call, as any PHP program does it.
[, $what, $kek] = $argv;
$call = $what === 'seal' ? 'openssl_encrypt' : 'openssl_decrypt';
$result = $call(stream_get_contents(STDIN), 'byok-aes-256-gcm', $kek, OPENSSL_RAW_DATA, '');
if ($result === false) {
    while (($error = openssl_error_string()) !== false) {
        fwrite(STDERR, "$error\n");
    }
    exit(1);
}
fwrite(STDOUT, $result);
