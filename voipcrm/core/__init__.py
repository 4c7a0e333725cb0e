"""The floor under all rooms: database, queue, gates, pages, storage, clock. Knows neither phones nor customers."""
