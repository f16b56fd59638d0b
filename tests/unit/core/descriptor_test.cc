// Descriptor: closed once, by whoever has it last.
#include "core/descriptor.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

int open_null() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

TEST(Descriptor, ClosesWhatItHas) {
  int number = -1;
  {
    const Descriptor descriptor(open_null());
    number = descriptor.get();
    EXPECT_TRUE(descriptor.is_open());
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, IsOpenInOnePlaceOnly) {
  Descriptor first(open_null());
  const int number = first.get();
  Descriptor second(std::move(first));
  EXPECT_FALSE(first.is_open());
  Descriptor third;
  third = std::move(second);
  EXPECT_FALSE(second.is_open());
  EXPECT_EQ(third.get(), number);
  EXPECT_TRUE(is_open(number));
  third = Descriptor(open_null());
  EXPECT_TRUE(third.is_open());
  third.close();
  EXPECT_FALSE(third.is_open());
}

TEST(Descriptor, HasNoneAfterAFailedOpen) {
  const Descriptor none(::open("/dev/null/none", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(none.is_open());
}

}  // namespace
}  // namespace postern
