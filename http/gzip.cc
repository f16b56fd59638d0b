#include "http/gzip.h"

#include "core/bytes.h"
#include "core/check.h"

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/crc.hpp>

#include <cstdint>

namespace postern::http {
namespace {

constexpr int kWindowBits = 15;
constexpr int kMemoryLevel = 8;

void append_little_endian(std::string& out, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(number >> shift & 0xff));
}

std::string deflate(std::string_view text, int level) {
  namespace zlib = boost::beast::zlib;
  zlib::deflate_stream stream;
  stream.reset(level, kWindowBits, kMemoryLevel, zlib::Strategy::normal);
  std::string out(stream.upper_bound(text.size()), '\0');
  zlib::z_params parameters;
  parameters.next_in = text.data();
  parameters.avail_in = text.size();
  parameters.next_out = out.data();
  parameters.avail_out = out.size();
  boost::beast::error_code error;
  stream.write(parameters, zlib::Flush::finish, error);
  POSTERN_CHECK(error == zlib::error::end_of_stream);
  out.resize(parameters.total_out);
  return out;
}

}  // namespace

std::string gzip(std::string_view text, int level) {
  // No flags, no time, best compression or none of its kind, system unknown (§2.3).
  std::string out("\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff", 10);
  if (level != kBestGzipLevel) out[8] = 0;
  out += deflate(text, level);
  boost::crc_32_type sum;
  sum.process_bytes(text.data(), text.size());
  append_little_endian(out, sum.checksum());
  append_little_endian(out, static_cast<std::uint32_t>(text.size()));
  return out;
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const std::size_t comma = accept_encoding.find(',');
    const std::string_view coding = trim_ascii_space(accept_encoding.substr(0, comma));
    const std::size_t semicolon = coding.find(';');
    if (equals_ignoring_case(trim_ascii_space(coding.substr(0, semicolon)), "gzip")) {
      if (semicolon == std::string_view::npos) return true;
      const std::string_view weight = trim_ascii_space(coding.substr(semicolon + 1));
      return weight.find_first_of("123456789") != std::string_view::npos;
    }
    accept_encoding = comma == std::string_view::npos ? std::string_view() : accept_encoding.substr(comma + 1);
  }
  return false;
}

}  // namespace postern::http
