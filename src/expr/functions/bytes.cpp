// Bytes and their texts: encodings, numbers in bytes, digests.
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "base/coding.h"
#include "expr/functions/tables.h"

namespace tradewind::expr {
namespace {

std::string hex_of(BytesView bytes) {
  static const char* const kDigits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

Result<Bytes> from_hex(std::string text) {
  const std::string written = text;
  if (text.starts_with("0x")) text = text.substr(2);
  if ((text.starts_with("X'") || text.starts_with("x'")) && text.ends_with("'"))
    text = text.substr(2, text.size() - 3);
  if (text.size() % 2 == 1) text = "0" + text;
  Bytes bytes;
  int half = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return Error{Code::invalid, "'" + written + "' is not hexadecimal"};
    if (i % 2 == 0)
      half = digit;
    else
      bytes += static_cast<char>(half << 4 | digit);
  }
  return bytes;
}

std::string lower_ascii(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

Result<Bytes> decoded(const std::string& text, const std::string& encoding) {
  const std::string name = lower_ascii(encoding);
  if (name == "utf8" || name == "ascii") return Bytes(text);
  if (name == "hex") return from_hex(text);
  Bytes bytes;
  if (name != "base64")
    return Error{Code::invalid,
                 "no encoding is called '" + encoding + "'; there are hex, utf8, ascii, base64"};
  if (!from_base64(text, bytes)) return Error{Code::invalid, "'" + text + "' is not base64"};
  return bytes;
}

Result<std::string> encoded(const Bytes& bytes, const std::string& encoding) {
  const std::string name = lower_ascii(encoding);
  if (name == "utf8") return bytes;
  if (name == "hex") return hex_of(bytes);
  if (name == "base64") return to_base64(bytes);
  if (name != "ascii")
    return Error{Code::invalid,
                 "no encoding is called '" + encoding + "'; there are hex, utf8, ascii, base64"};
  std::string text;
  for (const char c : bytes) text += (c & 0x80) != 0 ? '?' : c;
  return text;
}

Result<Value> encode(Values a, Types) {
  const Bytes bytes = TRY(decoded(a[0].text(), a[1].text()));
  std::string text = TRY(encoded(bytes, a[2].text()));
  if (lower_ascii(a[2].text()) == "hex") text = lower_ascii(text);
  return Value(std::move(text));
}

Result<Value> to_bytes(Values a, Types) {
  return Value(TRY(decoded(a[0].text(), a[1].text())));
}

Result<Value> from_bytes(Values a, Types) {
  return Value(TRY(encoded(a[0].text(), a[1].text())));
}

template <typename T>
Result<T> number_in(Values a) {
  Bytes bytes = a[0].text();
  if (bytes.size() != sizeof(T)) {
    return Error{Code::invalid, std::to_string(bytes.size()) + " bytes are no number of " +
                                    std::to_string(sizeof(T)) + " bytes"};
  }
  const std::string order = a.size() == 2 ? a[1].text() : "BIG_ENDIAN";
  if (order != "BIG_ENDIAN" && order != "LITTLE_ENDIAN")
    return Error{Code::invalid, "the order is BIG_ENDIAN or LITTLE_ENDIAN, not '" + order + "'"};
  if (order == "BIG_ENDIAN") std::reverse(bytes.begin(), bytes.end());
  T number;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

Result<Value> int_in(Values a, Types) {
  return Value(int64_t{TRY(number_in<int32_t>(a))});
}
Result<Value> bigint_in(Values a, Types) {
  return Value(TRY(number_in<int64_t>(a)));
}
Result<Value> double_in(Values a, Types) {
  return Value(TRY(number_in<double>(a)));
}

Result<Value> digest(const EVP_MD* kind, const std::string& text) {
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), raw, &size, kind, nullptr) != 1)
    return Error{Code::invalid, "the digest is not offered by this machine's OpenSSL"};
  return Value(lower_ascii(hex_of({reinterpret_cast<const char*>(raw), size})));
}
Result<Value> md5(Values a, Types) {
  return digest(EVP_md5(), a[0].text());
}
Result<Value> sha256(Values a, Types) {
  return digest(EVP_sha256(), a[0].text());
}

const Function kRows[] = {
    {"ENCODE", "ENCODE(text, from, to)", "A text from one encoding in another: hex, utf8, ascii, base64.",
     "ENCODE('shop', 'utf8', 'base64')",
     [](Arguments& a) {
       return take("ENCODE", a, {Kind::string, Kind::string, Kind::string}, Kind::string);
     },
     nullptr, encode},
    {"TO_BYTES", "TO_BYTES(text, encoding) -> BYTES",
     "The bytes that a text in hex, utf8, ascii or base64 stands for.",
     "FROM_BYTES(TO_BYTES('shop', 'utf8'), 'hex')",
     [](Arguments& a) {
       return take("TO_BYTES", a, {Kind::string, Kind::string}, Kind::bytes);
     },
     nullptr, to_bytes},
    {"FROM_BYTES", "FROM_BYTES(BYTES, encoding) -> STRING", "Bytes as text in hex, utf8, ascii or base64.",
     "FROM_BYTES(TO_BYTES('c2hvcA==', 'base64'), 'utf8')",
     [](Arguments& a) {
       return take("FROM_BYTES", a, {Kind::bytes, Kind::string}, Kind::string);
     },
     nullptr, from_bytes},
    {"INT_FROM_BYTES", "INT_FROM_BYTES(BYTES [, order]) -> INTEGER",
     "The number in 4 bytes, BIG_ENDIAN or LITTLE_ENDIAN.", "INT_FROM_BYTES(TO_BYTES('0000002A', 'hex'))",
     [](Arguments& a) {
       return take("INT_FROM_BYTES", a, {Kind::bytes, Kind::string}, Kind::integer, 1);
     },
     nullptr, int_in},
    {"BIGINT_FROM_BYTES", "BIGINT_FROM_BYTES(BYTES [, order]) -> BIGINT",
     "The number in 8 bytes, BIG_ENDIAN or LITTLE_ENDIAN.",
     "BIGINT_FROM_BYTES(TO_BYTES('2A00000000000000', 'hex'), 'LITTLE_ENDIAN')",
     [](Arguments& a) {
       return take("BIGINT_FROM_BYTES", a, {Kind::bytes, Kind::string}, Kind::bigint, 1);
     },
     nullptr, bigint_in},
    {"DOUBLE_FROM_BYTES", "DOUBLE_FROM_BYTES(BYTES [, order]) -> DOUBLE",
     "The number in 8 bytes, BIG_ENDIAN or LITTLE_ENDIAN.",
     "DOUBLE_FROM_BYTES(TO_BYTES('3FF8000000000000', 'hex'))",
     [](Arguments& a) {
       return take("DOUBLE_FROM_BYTES", a, {Kind::bytes, Kind::string}, Kind::real, 1);
     },
     nullptr, double_in},
    {"MD5", "MD5(text)", "The MD5 digest in hexadecimal; not for secrets.", "MD5('shop')",
     [](Arguments& a) { return take("MD5", a, {Kind::string}, Kind::string); }, nullptr, md5},
    {"SHA256", "SHA256(text)", "The SHA-256 digest in hexadecimal.", "SHA256('shop')",
     [](Arguments& a) { return take("SHA256", a, {Kind::string}, Kind::string); }, nullptr, sha256},
};

}  // namespace

std::span<const Function> bytes_functions() {
  return kRows;
}

}  // namespace tradewind::expr
