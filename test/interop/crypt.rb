# seal|open KEK [PIECE]: standard input to standard output, in one update or in pieces of so many bytes.
require "openssl"

what, kek, piece = ARGV
cipher = OpenSSL::Cipher.new("byok-aes-256-gcm")
what == "seal" ? cipher.encrypt : cipher.decrypt
$stdin.binmode
$stdout.binmode
begin
  cipher.key_len = kek.bytesize if kek.bytesize > cipher.key_len
  cipher.key = kek.b.ljust(cipher.key_len, "\0")
  data = $stdin.read
  (piece ? data.scan(/.{1,#{piece}}/mn) : [data].reject(&:empty?)).each { |part| $stdout.write(cipher.update(part)) }
  $stdout.write(cipher.final)
rescue OpenSSL::Cipher::CipherError => error
  warn error.message
  exit 1
end
