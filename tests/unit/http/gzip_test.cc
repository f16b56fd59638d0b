#include "http/gzip.h"

#include <boost/beast/zlib/inflate_stream.hpp>
#include <gtest/gtest.h>

namespace postern::http {
namespace {

std::string inflated(std::string_view raw, std::size_t size) {
  namespace zlib = boost::beast::zlib;
  zlib::inflate_stream stream;
  std::string out(size, '\0');
  zlib::z_params parameters;
  parameters.next_in = raw.data();
  parameters.avail_in = raw.size();
  parameters.next_out = out.data();
  parameters.avail_out = out.size();
  boost::beast::error_code error;
  stream.write(parameters, zlib::Flush::finish, error);
  out.resize(parameters.total_out);
  return out;
}

TEST(Gzip, HoldsTheTextBetweenItsHeadAndItsSums) {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += "line " + std::to_string(i % 17) + "\n";
  const std::string packed = gzip(text);
  EXPECT_LT(packed.size(), text.size() / 10);
  EXPECT_EQ(packed.substr(0, 4), std::string("\x1f\x8b\x08\x00", 4));
  EXPECT_EQ(inflated(std::string_view(packed).substr(10, packed.size() - 18), text.size() + 1), text);
  EXPECT_EQ(gzip("123456789").substr(gzip("123456789").size() - 8), std::string("\x26\x39\xf4\xcb\x09\x00\x00\x00", 8));
  EXPECT_FALSE(gzip("").empty());
}

TEST(Gzip, IsTakenWhereItIsNamed) {
  for (const char* field : {"gzip", "GZIP", "br, gzip", "gzip;q=0.5", "gzip ; q=1", "deflate, gzip;q=0.001"}) {
    EXPECT_TRUE(accepts_gzip(field)) << field;
  }
  for (const char* field : {"", "br", "gzip;q=0", "gzip;q=0.000", "identity", "x-gzip2", "*;q=0"}) {
    EXPECT_FALSE(accepts_gzip(field)) << field;
  }
}

}  // namespace
}  // namespace postern::http
