// The little of LMDB's file format that is needed to refuse a data file which LMDB would end the process on: one that was cut off,
// as a copy that was interrupted.
#pragma once

#include "core/result.h"

#include <filesystem>

namespace postern::lmdb {

// `file` is a data.mdb with content. CorruptRecord: neither state that it holds could be read: it is shorter than its trees begin.
// What is damaged further below is not looked for (store/checkup does). Success where it is no file of this layout: LMDB says so.
Result<void> check_data_file(const std::filesystem::path& file);

}  // namespace postern::lmdb
