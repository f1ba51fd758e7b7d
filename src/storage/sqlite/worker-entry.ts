import { runStorageWorker } from "./worker.ts"

// Where the storage worker begins when the program runs from its sources.
runStorageWorker()
