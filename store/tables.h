// The words of lmdb/ that store/ says all the time.
#pragma once

#include "lmdb/table.h"

namespace postern::store {

using lmdb::Cursor;
using lmdb::lmdb_error;
using lmdb::LmdbEnvironment;
using lmdb::ReadTransaction;
using lmdb::Table;
using lmdb::Transaction;
using lmdb::WritableTable;
using lmdb::WriteTransaction;

}  // namespace postern::store
